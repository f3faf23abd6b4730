"""Which predicted entity answers which gold one, and what is wrong when they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.records.prediction import Disagreement, Kind
from components.records.record import Span

Pair = tuple[Span | None, Span | None]
Alike = Callable[[Span, Span], bool]


def meet(one: Span, other: Span) -> bool:
    """Whether two spans share a character."""
    return one.start < other.end and other.start < one.end


def pair(gold: Sequence[Span], predicted: Sequence[Span], alike: Alike = meet) -> list[Pair]:
    """Pair every gold span with at most one predicted span, and the reverse.

    Equal spans are paired first, then those that share the most characters. What stays alone is
    paired with None. In order of place in the text.

    Args:
        alike: whether two may be a pair.
    """
    overlaps = sorted(
        (worse(one, other), place, other_place)
        for place, one in enumerate(gold)
        for other_place, other in enumerate(predicted)
        if alike(one, other)
    )
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, place, other_place in overlaps:
        if place not in partner and other_place not in taken:
            partner[place] = other_place
            taken.add(other_place)
    pairs: list[Pair] = [
        (one, predicted[partner[place]] if place in partner else None)
        for place, one in enumerate(gold)
    ]
    pairs += [(None, other) for place, other in enumerate(predicted) if place not in taken]
    return sorted(pairs, key=lambda spans: spans[0] or spans[1] or Span(0, 0, ""))


def worse(one: Span, other: Span) -> tuple[bool, int, bool]:
    """Rank how badly two overlapping entities agree; the smallest tuple is the best match."""
    moved = (one.start, one.end) != (other.start, other.end)
    shared = min(one.end, other.end) - max(one.start, other.start)
    return moved, -shared, one.label != other.label


def kind(gold: Span | None, predicted: Span | None) -> Kind | None:
    """Name what is wrong with a pair; None when nothing is."""
    if gold == predicted:
        return None
    if predicted is None:
        return "missed"
    if gold is None:
        return "spurious"
    return "boundary" if gold.label == predicted.label else "label"


def disagreements(
    gold: Sequence[Span], predicted: Sequence[Span], alike: Alike = meet
) -> list[Disagreement]:
    """List where two annotations of one document differ, in order of place."""
    kinds = ((kind(one, other), one, other) for one, other in pair(gold, predicted, alike))
    return [Disagreement(what, one, other) for what, one, other in kinds if what is not None]
