"""How far annotators agree: F between them, per label.

With one annotator taken as truth and the other as prediction, F = 2·both / (one + other), whichever
is which (Hripcsak and Rothschild, 2005). All pairs on all texts that they share are summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from components.ingest.resolve import Candidate, newest_of_each


class Agreement:
    """Sums over texts with several annotators."""

    def __init__(self) -> None:
        self.both: Counter[str] = Counter()
        self.either: Counter[str] = Counter()
        self.texts = 0
        self.annotators: set[str] = set()

    def add(self, candidates: Sequence[Candidate]) -> None:
        """Count the full annotations of one text; reviews are no second opinion."""
        known = [c for c in candidates if c.complete and c.annotator and not c.reviewed]
        known = newest_of_each(known)
        if len(known) < 2:
            return
        self.texts += 1
        self.annotators |= {candidate.annotator for candidate in known}
        for one, other in combinations([{*candidate.record.spans} for candidate in known], 2):
            self.both.update(span.label for span in one & other)
            self.either.update(span.label for span in [*one, *other])

    def report(self) -> dict[str, Any] | None:
        """`f` and `labels` as fractions; None without a text that two annotators share."""
        if not self.texts:
            return None
        return {
            "texts": self.texts,
            "annotators": sorted(self.annotators),
            "f": fraction(2 * self.both.total(), self.either.total()),
            "labels": {
                label: {"f": fraction(2 * self.both[label], count), "spans": count}
                for label, count in sorted(self.either.items())
            },
        }


def fraction(part: int, whole: int) -> float | None:
    return part / whole if whole else None
