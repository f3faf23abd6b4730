"""What training needs to know about named entity recognition."""

from __future__ import annotations

from collections.abc import Sequence

from spacy.language import Language
from spacy.pipeline import AttributeRuler, EntityRecognizer, Tagger

from components.errors import ConfigError
from components.tasks.base import without_example
from components.tasks.entity_tags import pipes
from components.tasks.iob import labels_of


def check_labels(nlp: Language, labels: Sequence[str]) -> list[str]:
    """Compare the labels that the pipeline learnt from the corpus with those of the phase.

    Returns:
        labels without an example in the training corpus.

    Raises:
        ConfigError: the training config has no component that recognises entities.
        DataError: the corpus holds labels that the phase does not name.
    """
    recognisers, taggers = pipes(nlp, EntityRecognizer), pipes(nlp, Tagger)
    if not recognisers and not (taggers and pipes(nlp, AttributeRuler)):
        raise ConfigError(
            "training config: nlp.pipeline has no component that recognises entities. "
            'Add one with factory "ner", or a tagger and an attribute_ruler like those of '
            "minilm-tokens."
        )
    learnt = {label for pipe in recognisers for label in pipe.labels}
    learnt |= {label for pipe in taggers for label in labels_of(pipe.labels)}
    return without_example(learnt, labels)
