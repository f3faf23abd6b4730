"""Which mark says the status of which entity: the one that overlaps it the most."""

from __future__ import annotations

from collections.abc import Sequence

from components.records.problems import QuarantineError
from components.records.record import Span


def paired(marks: Sequence[Span], entities: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Give each entity the status of the mark that shares the most characters with it.

    A mark that overlaps none may touch one that has no status: the annotator missed it by a little.

    Returns:
        the statuses, at the places of their entities, sorted; and the marks that say none.

    Raises:
        QuarantineError: an entity has two statuses.
    """
    chosen: dict[Span, Span] = {}
    for entity in entities:
        over = [mark for mark in marks if shared(mark, entity) > 0]
        if over:
            chosen[entity] = best(over, entity)
    alone = [mark for mark in marks if not any(shared(mark, entity) > 0 for entity in entities)]
    for entity in entities:
        near = [mark for mark in alone if shared(mark, entity) == 0]
        if near and entity not in chosen:
            chosen[entity] = best(near, entity)
    said = sorted(Span(one.start, one.end, mark.label) for one, mark in chosen.items())
    return said, [mark for mark in marks if mark not in chosen.values()]


def best(marks: Sequence[Span], entity: Span) -> Span:
    """The mark that is nearest to an entity; where one covers more than another, the closer one.

    Raises:
        QuarantineError: others are as near, and say something else.
    """

    def nearness(mark: Span) -> tuple[int, int]:
        return shared(mark, entity), mark.start - mark.end

    first = max(marks, key=nearness)
    as_near = {mark.label for mark in marks if nearness(mark) == nearness(first)}
    if len(as_near) > 1:
        raise QuarantineError(
            "several_statuses",
            f"the {entity.label} at {entity.start}-{entity.end} is {' and '.join(sorted(as_near))}",
        )
    return first


def shared(one: Span, other: Span) -> int:
    """How many characters two spans share; 0 where they touch, less where they do not."""
    return min(one.end, other.end) - max(one.start, other.start)
