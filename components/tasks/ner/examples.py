"""Entities in spaCy's examples: gold, predicted, and what its scorer makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from spacy.language import Language
from spacy.pipeline import AttributeRuler
from spacy.scorer import get_ner_prf
from spacy.training import Example

from components.records.record import Span
from components.tasks.base import Scores
from components.tasks.iob import MISSING


def official(examples: Iterable[Example]) -> dict[str, Scores]:
    """Precision, recall and F of spaCy's own scorer, per label and "" for all."""
    prf = get_ner_prf(examples)
    per_label: dict[str, Scores] = prf["ents_per_type"] or {}
    return {"": {name: prf[f"ents_{name}"] for name in "prf"}, **per_label}


def labels_of(nlp: Language) -> tuple[str, ...]:
    """The entity labels that a pipeline can predict, sorted."""
    return tuple(sorted({label for name in nlp.pipe_names for label in entity_labels(nlp, name)}))


def entity_labels(nlp: Language, name: str) -> Sequence[str]:
    """The labels of one component if it sets entities."""
    pipe = nlp.get_pipe(name)
    if isinstance(pipe, AttributeRuler):
        rules: list[Any] = pipe.patterns
        return [rule["attrs"]["ENT_TYPE"] for rule in rules if "ENT_TYPE" in rule["attrs"]]
    sets_entities = "doc.ents" in nlp.get_pipe_meta(name).assigns
    return nlp.pipe_labels.get(name, []) if sets_entities else []


def as_scored(example: Example) -> Iterator[Span]:
    """Yield the predicted entities that `spacy.scorer.get_ner_prf` counts, in gold offsets."""
    for entity in example.predicted.ents:
        places = example.alignment.x2y[entity.start : entity.end]
        if len(places):
            span = example.reference[int(places[0]) : int(places[-1]) + 1]
            if all(token.ent_iob != MISSING for token in span):
                yield Span(span.start_char, span.end_char, entity.label_)


def unalignable(example: Example) -> int:
    """Count the gold entities that no run of the model's tokens can stand for."""
    return sum(not reachable(example, one.start, one.end) for one in example.reference.ents)


def reachable(example: Example, start: int, end: int) -> bool:
    """Whether some run of the model's tokens aligns to exactly these gold tokens."""
    aligned = [example.alignment.x2y[int(token)] for token in example.alignment.y2x[start:end]]
    inside = [places for places in aligned if start <= places[0] and places[-1] < end]
    return bool(inside) and (int(inside[0][0]), int(inside[-1][-1])) == (start, end - 1)
