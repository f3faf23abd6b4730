"""A text with its spans marked, one inside another where they overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from components.records.record import Item, Span


@dataclass(frozen=True)
class Piece:
    """A stretch of text: plain (label "") or a span; `disputed` if it is what this is about.

    A class of the whole document has a label and no text.

    Attributes:
        inside: the pieces of the text, where other spans begin in this one; else none.
        goes_on: it is the first part of a span that ends in what follows: marks on a page can hold
            one another, and cannot cross. Only the last part of a span bears its label.
    """

    text: str
    label: str = ""
    disputed: bool = False
    inside: list[Piece] = field(default_factory=list)
    goes_on: bool = False

    @property
    def depth(self) -> int:
        """How many marks lie in it, one inside another."""
        return max((one.depth + 1 for one in self.inside if one.label), default=0)


@dataclass(frozen=True)
class Part:
    """A span, or the part of one that is to be drawn; `goes_on` if another follows."""

    start: int
    end: int
    span: Span
    goes_on: bool = False

    @property
    def order(self) -> tuple[int, int, Span]:
        """Those come first that others may lie in."""
        return self.start, -self.end, self.span


def marked(
    text: str, spans: Sequence[Span], start: int, end: int, disputed: Item | None
) -> Iterator[Piece]:
    """Yield the pieces of text[start:end]; a span that sticks out of it is cut."""
    if start > 0:
        yield Piece("… ")
    parts = [
        Part(max(span.start, start), min(span.end, end), span)
        for span in spans
        if span.start < end and span.end > start
    ]
    yield from pieces(text, parts, start, end, disputed)
    if end < len(text):
        yield Piece(" …")


def pieces(
    text: str, parts: Sequence[Part], start: int, end: int, disputed: Item | None
) -> Iterator[Piece]:
    """Yield the pieces of text[start:end], which all parts lie in."""
    place = start
    waiting = sorted(parts, key=lambda part: part.order)
    while waiting:
        first, *others = waiting
        held = [part for part in others if part.start < first.end]
        cut = [replace(part, start=first.end) for part in held if part.end > first.end]
        waiting = sorted([*cut, *others[len(held) :]], key=lambda part: part.order)
        inside = [until(part, first.end) for part in held]
        yield Piece(text[place : first.start])
        yield Piece(
            text[first.start : first.end],
            first.span.label,
            first.span == disputed,
            list(pieces(text, inside, first.start, first.end, disputed)) if inside else [],
            first.goes_on,
        )
        place = first.end
    yield Piece(text[place:end])


def until(part: Part, end: int) -> Part:
    """A part as far as the mark around it reaches."""
    return replace(part, end=end, goes_on=True) if part.end > end else part
