"""Several annotators' statuses of one text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from components.records.record import Answers, Span

Place = tuple[int, int]


def merge(answers: Sequence[Answers], newest: int, *, default: str) -> Answers:
    """Let annotators vote on each entity; the newest decides a tie.

    Args:
        default: what an annotator who marked nothing at an entity says of it; "" if nothing.
    """
    each = [by_place(one.spans) for one in answers]
    spans = []
    for place in sorted({place for one in each for place in one}):
        said = [one.get(place, default) for one in each]
        votes = Counter(status for status in said if status)
        most = max(votes.values())
        best = [status for status, count in votes.items() if count == most]
        spans.append(Span(*place, said[newest] if said[newest] in best else best[0]))
    latest = answers[newest]
    latest.spans = spans
    return latest


def merge_partial(answers: Sequence[Answers]) -> tuple[Answers, int]:
    """Gather statuses, the oldest first; a newer one replaces, and is counted if it differs."""
    statuses: dict[Place, str] = {}
    contradicted = 0
    for one in answers:
        new = by_place(one.spans)
        contradicted += sum(statuses.get(place, said) != said for place, said in new.items())
        statuses |= new
    merged = answers[-1]
    merged.spans = [Span(*place, said) for place, said in sorted(statuses.items())]
    return merged, contradicted


def by_place(spans: Sequence[Span]) -> dict[Place, str]:
    """The status at each place."""
    return {(span.start, span.end): span.label for span in spans}
