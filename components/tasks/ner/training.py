"""What training needs to know about named entity recognition."""

from __future__ import annotations

from collections.abc import Sequence

from spacy.language import Language
from spacy.pipeline import AttributeRuler, EntityRecognizer, SpanCategorizer, Tagger

from components.errors import ConfigError
from components.tasks.base import without_example
from components.tasks.entity_tags import pipes
from components.tasks.iob import labels_of
from components.tasks.ner.examples import labels_of as entity_labels_of


def check_labels(nlp: Language, labels: Sequence[str]) -> list[str]:
    """Compare the labels that the pipeline learnt from the corpus with those of the phase.

    Returns:
        labels without an example in the training corpus.

    Raises:
        ConfigError: the training config has no component that recognises entities.
        DataError: the corpus holds labels that the phase does not name.
    """
    recognisers, taggers = pipes(nlp, EntityRecognizer), pipes(nlp, Tagger)
    refuse_statuses(nlp, "the training config")
    if not recognisers and not (taggers and pipes(nlp, AttributeRuler)):
        raise ConfigError(
            "training config: nlp.pipeline has no component that recognises entities. "
            'Add one with factory "ner", or a tagger and an attribute_ruler like those of '
            "minilm-tokens."
        )
    learnt = {label for pipe in recognisers for label in pipe.labels}
    learnt |= {label for pipe in taggers for label in labels_of(pipe.labels)}
    return without_example(learnt, labels)


def refuse_statuses(nlp: Language, which: str, labels: Sequence[str] = ()) -> None:
    """Refuse a pipeline of assertion status where entities are to be found.

    Args:
        which: the pipeline is, as in "the model in production".
        labels: of the entities that are wanted.

    Raises:
        ConfigError: it says the status of entities and finds none, or the labels are its statuses.
    """
    statuses = {
        label
        for name, pipe in nlp.pipeline
        if isinstance(pipe, SpanCategorizer) and is_asked(nlp, name)
        for label in pipe.labels
    }
    entities = {*entity_labels_of(nlp)}
    mistaken = sorted(statuses.intersection(labels) - entities)
    if not statuses or (entities and not mistaken):
        return
    listed = ", ".join(mistaken or sorted(statuses))
    raise ConfigError(
        f"{which} is one of assertion status: {listed} are what it says of entities"
        + (", and not entities" if mistaken else ", and it finds none")
        + ". Name a model that finds entities; statuses are learnt beside these, by a task of kind "
        "assertion."
    )


def is_asked(nlp: Language, name: str) -> bool:
    """Whether a component is asked about spans that others have found, instead of any."""
    suggester = nlp.get_pipe_config(name)["suggester"]
    return bool(suggester["@misc"] == "spacy.preset_spans_suggester.v1")
