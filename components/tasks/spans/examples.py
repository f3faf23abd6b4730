"""Overlapping spans in spaCy's documents and examples, and what its scorer makes of them."""

from __future__ import annotations

from collections.abc import Iterable

from spacy.pipeline.spancat import spancat_score
from spacy.tokens import Doc
from spacy.training import Example

from components.records.groups import rejected_of
from components.records.record import Span
from components.tasks.base import Scores


def gold(doc: Doc, group: str) -> set[Span]:
    """What annotators marked."""
    return {Span(one.start_char, one.end_char, one.label_) for one in doc.spans.get(group, ())}


def known_labels(doc: Doc, group: str) -> list[str] | None:
    """The labels of which all spans of a document are known; None for all labels."""
    known: list[str] | None = doc.user_data.get("known", {}).get(group)
    return known


def as_scored(example: Example, group: str) -> set[Span]:
    """The predicted spans in gold offsets, as spaCy's scorer compares them.

    Without those of which nobody knows whether they are right.
    """
    found = example.get_aligned_spans_x2y(example.predicted.spans.get(group, ()), True)
    predicted = {Span(one.start_char, one.end_char, one.label_) for one in found}
    known = known_labels(example.reference, group)
    if known is None:
        return predicted
    said = gold(example.reference, group) | gold(example.reference, rejected_of(group))
    return {one for one in predicted if one.label in known or one in said}


def official(examples: Iterable[Example], group: str) -> dict[str, Scores] | None:
    """Precision, recall and F of spaCy's own scorer, per label and "" for all.

    None where something of a document is unknown: spaCy takes that for wrong.
    """
    partial = False

    def seen() -> Iterable[Example]:
        nonlocal partial
        for example in examples:
            partial |= known_labels(example.reference, group) is not None
            yield example

    prf = spancat_score(seen(), spans_key=group)
    if partial:
        return None
    per_label: dict[str, Scores] = prf[f"spans_{group}_per_type"] or {}
    return {"": {name: prf[f"spans_{group}_{name}"] for name in "prf"}, **per_label}
