"""What a pipeline says of the entities that annotators marked, and of those that it found itself.

A pipeline asks for the status of its own entities. That of the annotated ones is asked for once
more, of the vectors that the shared network has already made: only the last layer works twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from components.records.record import Item, Span
from components.scoring.counts import MISSED, RIGHT, SPURIOUS
from components.tasks.assertion.answering import scores_of
from components.tasks.assertion.training import askable, categoriser_of
from components.tasks.iob import MISSING

if TYPE_CHECKING:
    from components.tasks.assertion import Kind
    from components.tasks.base import Scores

Place = tuple[int, int]


def ask(nlp: Language, task: Kind, examples: Sequence[Example]) -> None:
    """Put what a pipeline says of annotated entities into `doc.spans[task.on_gold]`."""
    pipe = categoriser_of(nlp, task)
    docs = [example.predicted for example in examples]
    if pipe is None or not docs:
        for doc in docs:
            doc.spans[task.on_gold] = []
        return
    own = [(doc.spans.get(task.asked), doc.spans.get(task.name)) for doc in docs]
    for example in examples:
        example.predicted.spans[task.asked] = askable(example, task.name)
    pipe.set_annotations(docs, pipe.predict(docs))
    for doc, (asked, said) in zip(docs, own, strict=True):
        doc.spans[task.on_gold] = doc.spans[task.name]
        doc.spans[task.asked], doc.spans[task.name] = asked or [], said or []


def aligned(example: Example, group: str) -> list[Span]:
    """Predicted spans in gold offsets, as spaCy's scorer compares them."""
    spans = example.predicted.spans.get(group) or []
    return [
        Span(one.start_char, one.end_char, one.label_)
        for one in example.get_aligned_spans_x2y(spans, allow_overlap=True)
    ]


def unalignable(example: Example, name: str) -> int:
    """How many annotated entities of known status no run of the pipeline's tokens stands for."""
    spans = example.reference.spans.get(name) or []
    asked = example.get_aligned_spans_x2y(askable(example, name), allow_overlap=True)
    reached = {(one.start, one.end) for one in asked}
    return sum((one.start, one.end) not in reached for one in spans)


def end_to_end(example: Example, task: Kind) -> dict[str, list[int]]:
    """Count statuses as right where the entity, its label and its status all are.

    An entity that the pipeline found where annotators left unknown what there is counts for
    nothing, and so does one of which only the status is unknown.

    Returns:
        status -> how often it is right, spurious and missed.
    """
    reference = example.reference
    gold = {(one.start, one.end): one.label_ for one in reference.spans.get(task.name) or ()}
    entities = {(one.start, one.end): one.label_ for one in reference.ents}
    found = {
        (one.start, one.end): one.label_
        for one in example.get_aligned_spans_x2y(example.predicted.ents, allow_overlap=True)
    }
    said = {
        (one.start, one.end): one.label_
        for one in example.get_aligned_spans_x2y(
            example.predicted.spans.get(task.name) or [], allow_overlap=True
        )
    }
    counts: dict[str, list[int]] = {}
    for place, status in gold.items():
        wrong = found.get(place) != entities.get(place, found.get(place))
        right = said.get(place) == status and not wrong
        counts.setdefault(status, [0, 0, 0])[RIGHT if right else MISSED] += 1
        if place in said and not right:
            counts.setdefault(said[place], [0, 0, 0])[SPURIOUS] += 1
    for place, status in said.items():
        if place not in gold and place not in entities and known(reference, place):
            counts.setdefault(status, [0, 0, 0])[SPURIOUS] += 1
    return counts


def known(doc: Doc, place: Place) -> bool:
    """Whether annotators said of all tokens of a place whether they are in an entity."""
    return all(token.ent_iob != MISSING for token in doc[slice(*place)])


def confidence(doc: Doc, group: str) -> Mapping[Item, float]:
    """How sure the pipeline is of each status that it says."""
    spans = doc.spans[group]
    return {
        Span(span.start_char, span.end_char, span.label_): score
        for span, score in zip(spans, scores_of(spans), strict=True)
    }


def official(examples: Iterable[Example], task: Kind) -> dict[str, Scores]:
    """Precision, recall and F of spaCy's own scorer, per status and "" for all."""
    key = task.on_gold
    scores: dict[str, Any] = Scorer.score_spans(
        examples,
        f"spans_{key}",
        # What was predicted has the one group, what was annotated only the other.
        getter=lambda doc, _: doc.spans[key if key in doc.spans else task.name],
        has_annotation=lambda doc: key in doc.spans or task.name in doc.spans,
        allow_overlap=True,
    )
    overall = {name: scores.get(f"spans_{key}_{name}") for name in "prf"}
    return {"": overall, **(scores.get(f"spans_{key}_per_type") or {})}
