"""A token classifier that finds entities, made of spaCy's own components alone.

A tagger gives each token one of O, B-LABEL and I-LABEL; an attribute ruler turns these tags into
`doc.ents` and takes them away again. So the pipeline opens wherever spaCy does. An entity
begins at a B-, which says its label, and goes on with I- of any label; an I- that goes on nothing
is no entity (docs/performance.md compares other readings). A config names two functions:

    [corpora.train.augmenter]
    @augmenters = "retrain.entity_tags.v1"       # the tags of training documents

    [initialize.after_init]
    @callbacks = "retrain.entities_of_tags.v1"   # the patterns of the ruler; rejected spans
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from spacy.language import Language
from spacy.pipeline import AttributeRuler, Tagger
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import registry

from components.tasks import rejections
from components.tasks.iob import BEGIN, INSIDE, OUTSIDE, labels_of, tag_of


def entity_tags() -> Callable[[Language, Example], Iterator[Example]]:
    """Make an augmenter that gives the pipeline's tokens the tags of the annotated entities."""
    return add_tags


def add_tags(nlp: Language, example: Example) -> Iterator[Example]:
    """Yield an example whose reference has the pipeline's tokens, with tags.

    A token that is of unknown kind, or that an entity cuts, gets none and is not learnt from.
    """
    predicted = example.predicted
    tags = [tag_of(biluo) for biluo in example.get_aligned_ner()]
    reference = Doc(
        nlp.vocab,
        words=[token.text for token in predicted],
        spaces=[bool(token.whitespace_) for token in predicted],
        tags=tags,
        ents=tags,
        user_data=example.reference.user_data,
    )
    reference.cats = example.reference.cats
    for name, spans in example.reference.spans.items():
        aligned = example.get_aligned_spans_y2x(spans, allow_overlap=True)
        reference.spans[name] = [Span(reference, s.start, s.end, s.label_) for s in aligned]
    yield Example(predicted, reference)


def entities_of_tags() -> Callable[[Language], Language]:
    """Make a callback that teaches a pipeline's attribute ruler the tags of its tagger.

    It lets the tagger learn from rejected spans, too.
    """
    return finish_pipeline


def finish_pipeline(nlp: Language) -> Language:
    """Do what `entities_of_tags` says."""
    taggers = pipes(nlp, Tagger)
    for ruler in pipes(nlp, AttributeRuler):
        ruler.clear()
        for tagger in taggers:
            ruler.add_patterns(patterns(labels_of(tagger.labels)))
    for tagger in taggers:
        rejections.teach(tagger)
    return nlp


def pipes(nlp: Language, kind: type[Any]) -> list[Any]:
    """The components of one class, in order."""
    return [pipe for _, pipe in nlp.pipeline if isinstance(pipe, kind)]


def patterns(labels: Sequence[str]) -> list[dict[str, Any]]:
    """What an attribute ruler must know; where two match a token, the later one counts."""
    inside = [f"I-{label}" for label in labels]
    goes_on = {"TAG": {"IN": inside}, "OP": "+"}
    patterns = [pattern([{"TAG": {"IN": ["O", *inside]}}], {"ENT_IOB": OUTSIDE})]
    for label in labels:
        begins = {"TAG": f"B-{label}"}
        patterns.append(pattern([begins], {"ENT_IOB": BEGIN, "ENT_TYPE": label}))
        patterns.append(pattern([begins, goes_on], {"ENT_IOB": INSIDE, "ENT_TYPE": label}))
    return patterns


def pattern(tokens: list[dict[str, Any]], attributes: dict[str, Any]) -> dict[str, Any]:
    """A pattern that sets the last of its tokens."""
    return {
        "patterns": [tokens],
        "attrs": {**attributes, "TAG": ""},
        "index": -1,
    }


registry.augmenters.register("retrain.entity_tags.v1", func=entity_tags)
registry.callbacks.register("retrain.entities_of_tags.v1", func=entities_of_tags)
