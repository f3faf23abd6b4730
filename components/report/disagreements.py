"""Where the model and the annotators differ, ready to be read: excerpts, marked, worst first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.records.prediction import Disagreement, Kind, Prediction
from components.records.record import Item, Span, spans_in
from components.report.marks import Piece, marked
from components.tasks.base import Task

CONTEXT = 160  # characters shown on each side
OF_A_TEXT = 1000  # characters shown where the whole text is in question
MOST_MISTAKES = 10
SURE = 0.5  # less, and the model does not even believe itself
KINDS: dict[Kind, str] = {
    "missed": "Missed",
    "spurious": "Spurious",
    "label": "Wrong label",
    "boundary": "Wrong boundary",
}


@dataclass(frozen=True)
class Excerpt:
    """One disagreement with the text around it, as annotated and as predicted."""

    number: int
    document: str
    kind: Kind
    title: str
    gold: Item | None
    predicted: Item | None
    confidence: float | None
    annotated: list[Piece]
    modelled: list[Piece]

    @property
    def classes(self) -> list[list[Piece]]:
        """The classes of the whole text, as annotated and as predicted, without the text."""
        sides = self.annotated, self.modelled
        return [[one for one in side if one.label and not one.text] for side in sides]

    @property
    def text(self) -> str:
        """What is shown of the text."""
        return "".join(piece.text for piece in self.annotated)


def by_confidence(predictions: Iterable[Prediction]) -> list[tuple[Prediction, Disagreement]]:
    """All disagreements; those of which the model is surest come first."""
    pairs = [(document, one) for document in predictions for one in document.disagreements]
    return sorted(pairs, key=lambda pair: -1 if pair[1].confidence is None else -pair[1].confidence)


def disagreements(pairs: Sequence[tuple[Prediction, Disagreement]]) -> list[Excerpt]:
    """Put each disagreement into its text."""
    return [disagreement(number, *pair) for number, pair in enumerate(pairs, start=1)]


def disagreement(number: int, document: Prediction, one: Disagreement) -> Excerpt:
    """Cut an excerpt around a disagreement and mark what both sides say in it."""
    spans = spans_in(item for item in (one.gold, one.predicted) if item is not None)
    if not spans:
        end = min(len(document.text), OF_A_TEXT)
        return in_text(number, document, one, 0, end)
    start, end = window(
        document.text,
        min(span.start for span in spans),
        max(span.end for span in spans),
    )
    return in_text(number, document, one, start, end)


def in_text(number: int, document: Prediction, one: Disagreement, start: int, end: int) -> Excerpt:
    """A disagreement with both sides of text[start:end]."""
    return Excerpt(
        number=number,
        document=document.id,
        kind=one.kind,
        title=KINDS[one.kind],
        gold=one.gold,
        predicted=one.predicted,
        confidence=one.confidence,
        annotated=excerpt(document.text, document.gold, start, end, one.gold),
        modelled=excerpt(document.text, document.predicted, start, end, one.predicted),
    )


def excerpt(
    text: str, items: Sequence[Item], start: int, end: int, disputed: Item | None
) -> list[Piece]:
    """The pieces of text[start:end]; classes of the document stand before it."""
    classes = [Piece("", item, item == disputed) for item in items if isinstance(item, str)]
    return [*classes, *marked(text, spans_in(items), start, end, disputed)]


def window(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span by the context, to the nearest spaces."""
    low, high = max(0, start - CONTEXT), min(len(text), end + CONTEXT)
    if low > 0:
        low = max(low, text.find(" ", low, start) + 1)
    if high < len(text):
        space = text.rfind(" ", end, high)
        high = space if space > end else high
    return low, high


def suspected_label_errors(
    pairs: Sequence[tuple[Prediction, Disagreement]],
) -> list[tuple[Prediction, Disagreement]]:
    """The disagreements in which the annotators may be wrong: the model is sure, one per document.

    A model that gives no confidence cannot accuse anyone: then there are none.
    """
    first: dict[str, tuple[Prediction, Disagreement]] = {}
    for document, one in pairs:
        if one.confidence is not None and one.confidence >= SURE:
            first.setdefault(document.id, (document, one))
    return list(first.values())[:MOST_MISTAKES]


def prodigy_lines(
    mistakes: Sequence[tuple[Prediction, Disagreement]],
    predictions: Sequence[Prediction],
    tasks: Mapping[str, Task],
) -> Iterator[str]:
    """Yield a JSON line per document, as Prodigy's recipes read it.

    The text is the whole document's, even where the model read it in windows: read again, it must
    be the document that it was, and stay in its split. What annotators said is there as they said
    it; what the model would have is in `meta`.

    Args:
        predictions: all of the test set, in its order.
        tasks: by name.
    """
    wanted = {(document.task, document.id) for document, _ in mistakes}
    windows: dict[tuple[str, str], list[Prediction]] = {}
    for window in predictions:
        if (window.task, window.id) in wanted:
            windows.setdefault((window.task, window.id), []).append(window)
    for document, one in mistakes:
        key = document.task, document.id
        parts = windows[key] if document.id else [document]
        text, gold = whole(parts)
        unknown = [label for part in parts for label in part.unknown]
        yield json.dumps(
            {
                "text": text,
                **tasks[document.task].review(gold, unknown),
                "meta": {
                    **document.meta,
                    "document": document.id,
                    "check": KINDS[one.kind],
                    "annotated": in_words(document.text, one.gold),
                    "model": in_words(document.text, one.predicted),
                    "confidence": one.confidence,
                },
            },
            ensure_ascii=False,
        )


def whole(windows: Sequence[Prediction]) -> tuple[str, list[Item]]:
    """Text and gold of the document that was cut into these windows."""
    text, gold = "", dict[Item, None]()
    for window in windows:
        gold |= dict.fromkeys(moved(item, len(text)) for item in window.gold)
        text += window.text
    return text, [*gold]


def moved(item: Item, by: int) -> Item:
    """A span so many characters further on; a class of the document stays what it is."""
    return item if isinstance(item, str) else Span(by + item.start, by + item.end, item.label)


def in_words(text: str, item: Item | None) -> str:
    """An item in words."""
    if item is None:
        return "nothing"
    return item if isinstance(item, str) else f"{text[item.start : item.end]} ({item.label})"
