"""The statuses that a saved pipeline says of its entities, for a server that has no corpus."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from spacy.language import Language
from spacy.pipeline import SpanCategorizer
from spacy.tokens import Doc
from spacy.tokens.span_group import SpanGroup

from components.tasks.assertion.head import SUGGESTER

Place = tuple[int, int]


class Said(NamedTuple):
    """A status, and how sure the model is of it."""

    label: str
    score: float


def scores_of(spans: SpanGroup) -> list[float]:
    """How sure the component is of each span; spaCy keeps a column of them, or none."""
    scores: list[float] = np.ravel(spans.attrs.get("scores", ())).tolist()
    return scores


def tasks_of(nlp: Language) -> tuple[str, ...]:
    """The tasks of a pipeline that say the status of its entities; each has a group of its name."""
    return tuple(
        pipe.key
        for name, pipe in nlp.pipeline
        if isinstance(pipe, SpanCategorizer)
        and pipe.cfg["max_positive"] == 1
        and nlp.get_pipe_config(name)["suggester"]["@misc"] == SUGGESTER
    )


def statuses_in(doc: Doc, tasks: tuple[str, ...]) -> dict[Place, dict[str, Said]]:
    """What each task says of the entity at each place, in characters."""
    said: dict[Place, dict[str, Said]] = {}
    for name in tasks:
        spans = doc.spans[name]
        for span, score in zip(spans, scores_of(spans), strict=True):
            place = span.start_char, span.end_char
            said.setdefault(place, {})[name] = Said(span.label_, score)
    return said
