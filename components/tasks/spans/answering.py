"""The spans that a saved pipeline finds, for a server that has no corpus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from components.tasks.spans.training import categorisers


class Found(NamedTuple):
    """A span in characters, and how sure the model is of it."""

    start: int
    end: int
    label: str
    score: float


def groups_of(nlp: Language) -> tuple[str, ...]:
    """The groups of `doc.spans` that a pipeline fills with spans that may overlap."""
    return tuple(pipe.key for pipe in categorisers(nlp))


def spans_in(doc: Doc, group: str) -> Iterator[Found]:
    """The spans of a group that a pipeline has filled."""
    spans = doc.spans[group]
    for span, score in zip(spans, spans.attrs.get("scores", ()), strict=True):
        yield Found(span.start_char, span.end_char, span.label_, float(score))
