"""Spans of many records as ranges of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from components.convert.layout import Layout
from components.convert.rows import Row
from components.convert.texts import Texts, integers, lengths
from components.errors import DataError
from components.records.record import Span


@dataclass(frozen=True)
class SpanColumns:
    """The spans of all records, one after the other.

    Attributes:
        names: the distinct labels.
        labels: index into `names` of each.
        document: record of each.
        left, right: its characters, counted over all texts.
    """

    names: list[str]
    labels: NDArray[np.int64]
    document: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]


class Numbered(dict[str, int]):
    """A number for each string, from 0 on."""

    def __missing__(self, string: str) -> int:
        self[string] = len(self)
        return self[string]


def gather(each: Sequence[Sequence[Span]], rows: Sequence[Row], texts: Texts) -> SpanColumns:
    """Gather spans of all records.

    Args:
        each: the spans of each record.

    Raises:
        DataError: a span is not inside its text; `ingest` lets none through.
    """
    document = np.repeat(np.arange(len(each)), lengths(each))
    spans = list(chain.from_iterable(each))
    start = integers([span.start for span in spans])
    end = integers([span.end for span in spans])
    length = np.diff(texts.base)[document]
    outside = np.flatnonzero((start < 0) | (start >= end) | (end > length))
    if len(outside):
        at = int(outside[0])
        raise DataError(
            f"{rows[document[at]].source}: the span {named(spans[at])} is not inside its text "
            f"of {length[at]} characters. Run `ingest` again."
        )
    names = Numbered()
    labels = integers([names[span.label] for span in spans])
    base = texts.base[document]
    return SpanColumns(list(names), labels, document, start + base, end + base)


def misfits(marks: SpanColumns, layout: Layout) -> NDArray[np.int64]:
    """Records with a span that does not start and end where tokens do."""
    # A span may end in a space, beyond the last token; clipped, it meets a token it does not fit.
    first, end = find(marks, layout)
    starts, ends = layout.starts.take(first, mode="clip"), layout.ends.take(end - 1, mode="clip")
    fits = (starts == marks.left) & (ends == marks.right)
    misfitting: NDArray[np.int64] = marks.document[~fits]
    return misfitting


def find(marks: SpanColumns, layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first token of each span, and the one after its last, counted over all records."""
    first = np.searchsorted(layout.starts, marks.left)
    return first, np.searchsorted(layout.ends, marks.right) + 1


def refuse_overlaps(
    marks: SpanColumns, each: Sequence[Sequence[Span]], rows: Sequence[Row]
) -> None:
    """Refuse entities that overlap or are out of order: one token cannot be in two.

    Raises:
        DataError: naming the first two.
    """
    overlaps = np.flatnonzero(marks.right[:-1] > marks.left[1:])
    if len(overlaps):
        at = int(overlaps[0])
        document = int(marks.document[at])
        first = int(np.searchsorted(marks.document, document))
        one, other = each[document][at - first : at - first + 2]
        raise DataError(
            f"{rows[document].source}: the entities {named(one)} and {named(other)} "
            "overlap or are out of order. Run `ingest` again."
        )


def named(span: Span) -> str:
    """A span for a message."""
    return f"{span.label} at {span.start}-{span.end}"
