"""Which predicted span may answer which gold one, where spans overlap."""

from __future__ import annotations

from components.records.record import Span


def alike(one: Span, other: Span) -> bool:
    """Whether two spans are about the same thing: in one place, or overlapping with one label.

    An overlap alone says nothing here: a cue inside a phrase is no phrase of another label.
    """
    if (one.start, one.end) == (other.start, other.end):
        return True
    return one.label == other.label and one.start < other.end and other.start < one.end
