"""Where the model and the annotators differ, ready to be read: excerpts, marked, worst first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.records.prediction import Disagreement, Kind, Prediction
from components.records.record import Span

CONTEXT = 160  # characters shown on each side
MOST_MISTAKES = 10
KINDS: dict[Kind, str] = {
    "missed": "Missed",
    "spurious": "Spurious",
    "label": "Wrong label",
    "boundary": "Wrong boundary",
}


@dataclass(frozen=True)
class Piece:
    """A stretch of text: plain (label "") or an entity; `disputed` if it is what this is about."""

    text: str
    label: str = ""
    disputed: bool = False


@dataclass(frozen=True)
class Dispute:
    """One disagreement with the text around it, as annotated and as predicted."""

    number: int
    document: str
    kind: Kind
    title: str
    gold: Span | None
    predicted: Span | None
    confidence: float | None
    annotated: list[Piece]
    modelled: list[Piece]


def worst_first(predictions: Iterable[Prediction]) -> list[tuple[Prediction, Disagreement]]:
    """All disagreements; those of which the model is surest come first."""
    found = [(document, one) for document in predictions for one in document.disagreements]
    return sorted(found, key=lambda pair: -1 if pair[1].confidence is None else -pair[1].confidence)


def disagreements(found: Sequence[tuple[Prediction, Disagreement]]) -> list[Dispute]:
    """Put each disagreement into its text."""
    return [dispute(number, *pair) for number, pair in enumerate(found, start=1)]


def dispute(number: int, document: Prediction, one: Disagreement) -> Dispute:
    """Cut an excerpt around a disagreement and mark the entities of both sides in it."""
    spans = [span for span in (one.gold, one.predicted) if span]
    start, end = window(
        document.text, min(span.start for span in spans), max(span.end for span in spans)
    )
    return Dispute(
        number=number,
        document=document.id,
        kind=one.kind,
        title=KINDS[one.kind],
        gold=one.gold,
        predicted=one.predicted,
        confidence=one.confidence,
        annotated=list(marked(document.text, document.gold, start, end, one.gold)),
        modelled=list(marked(document.text, document.predicted, start, end, one.predicted)),
    )


def window(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span by the context, to the nearest spaces."""
    low, high = max(0, start - CONTEXT), min(len(text), end + CONTEXT)
    if low > 0:
        low = max(low, text.find(" ", low, start) + 1)
    if high < len(text):
        space = text.rfind(" ", end, high)
        high = space if space > end else high
    return low, high


def marked(
    text: str, spans: Sequence[Span], start: int, end: int, disputed: Span | None
) -> Iterator[Piece]:
    """Yield the pieces of text[start:end]; an entity that sticks out of it is cut."""
    place = start
    if start > 0:
        yield Piece("… ")
    for span in sorted(spans):
        if span.end <= place or span.start >= end:
            continue
        low, high = max(span.start, place), min(span.end, end)
        yield Piece(text[place:low])
        yield Piece(text[low:high], span.label, span == disputed)
        place = high
    yield Piece(text[place:end])
    if end < len(text):
        yield Piece(" …")


def likeliest_mistakes(
    found: Sequence[tuple[Prediction, Disagreement]],
) -> list[tuple[Prediction, Disagreement]]:
    """The disagreements in which the annotators may be wrong: the model is sure, one per document.

    A model that gives no confidence cannot accuse anyone: then there are none.
    """
    first: dict[str, tuple[Prediction, Disagreement]] = {}
    for document, one in found:
        if one.confidence is not None:
            first.setdefault(document.id, (document, one))
    return list(first.values())[:MOST_MISTAKES]


def prodigy_lines(
    mistakes: Sequence[tuple[Prediction, Disagreement]], predictions: Sequence[Prediction]
) -> Iterator[str]:
    """Yield a JSON line per document, as Prodigy's ner.manual and review recipes read it.

    The text is the whole document's, even where the model read it in windows: read again, it must
    be the document that it was, and stay in its split. The spans are the annotators'; what the
    model would have stands in `meta`.

    Args:
        predictions: all of the test set, in its order.
    """
    wanted = {document.id for document, _ in mistakes}
    windows: dict[str, list[Prediction]] = {}
    for window in predictions:
        if window.id in wanted:
            windows.setdefault(window.id, []).append(window)
    for document, one in mistakes:
        text, gold = whole(windows[document.id] if document.id else [document])
        yield json.dumps(
            {
                "text": text,
                "spans": [as_json(span) for span in gold],
                "meta": {
                    **document.meta,
                    "document": document.id,
                    "check": KINDS[one.kind],
                    "annotated": told(document.text, one.gold),
                    "model": told(document.text, one.predicted),
                    "confidence": one.confidence,
                },
            },
            ensure_ascii=False,
        )


def whole(windows: Sequence[Prediction]) -> tuple[str, list[Span]]:
    """Text and gold entities of the document that was cut into these windows."""
    text, gold = "", []
    for window in windows:
        gold += [Span(len(text) + s.start, len(text) + s.end, s.label) for s in window.gold]
        text += window.text
    return text, gold


def as_json(span: Span) -> dict[str, Any]:
    """A span as Prodigy writes it."""
    return {"start": span.start, "end": span.end, "label": span.label}


def told(text: str, span: Span | None) -> str:
    """A span in words."""
    return f"{text[span.start : span.end]} ({span.label})" if span else "nothing"
