"""Spans of many records as ranges of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.convert.tokens import Layout
from components.errors import DataError
from components.record import Record, Span


@dataclass(frozen=True)
class Places:
    """Where the spans of all records are.

    Attributes:
        spans: one after the other, record by record.
        document: record of each.
        left, right: its characters, counted over all texts.
        first, end: its first token and the one after its last, counted over all records.
        fits: whether it starts and ends where tokens do.
    """

    spans: list[Span]
    document: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    fits: NDArray[np.bool_]

    def of(self, document: int) -> slice:
        """Which of the spans are those of a record."""
        return slice(*np.searchsorted(self.document, [document, document + 1]).tolist())


def find(layout: Layout, records: Sequence[Record], each: Sequence[list[Span]]) -> Places:
    """Find the tokens of each record's spans.

    Raises:
        DataError: a span is not inside its text; `ingest` lets none through.
    """
    document = np.repeat(np.arange(len(each)), list(map(len, each)))
    spans = [span for some in each for span in some]
    start = np.array([span.start for span in spans], np.int64)
    end = np.array([span.end for span in spans], np.int64)
    length = np.diff(layout.base)[document]
    outside = np.flatnonzero((start < 0) | (start >= end) | (end > length))
    if len(outside):
        at = int(outside[0])
        raise DataError(
            f"{records[document[at]].source}: the span {named(spans[at])} is not inside its text "
            f"of {length[at]} characters. Run `ingest` again."
        )
    left, right = start + layout.base[document], end + layout.base[document]
    first = np.searchsorted(layout.starts, left)
    last = np.searchsorted(layout.ends, right)
    # Beyond the last token there is nothing that could fit: a span may end in a space.
    starts, ends = np.append(layout.starts, -1), np.append(layout.ends, -1)
    fits = (starts[first] == left) & (ends[last] == right)
    return Places(spans, document, left, right, first, last + 1, fits)


def refuse_overlaps(places: Places, records: Sequence[Record]) -> None:
    """Refuse entities that overlap or are out of order: one token cannot be in two.

    Raises:
        DataError: naming the first two.
    """
    overlaps = np.flatnonzero(places.right[:-1] > places.left[1:])
    if len(overlaps):
        at = int(overlaps[0])
        one, other = places.spans[at : at + 2]
        raise DataError(
            f"{records[places.document[at]].source}: the entities {named(one)} and {named(other)} "
            "overlap or are out of order. Run `ingest` again."
        )


def named(span: Span) -> str:
    """A span for a message."""
    return f"{span.label} at {span.start}-{span.end}"
