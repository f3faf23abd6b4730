"""How far annotators agree: F between them, per label.

With one annotator taken as truth and the other as prediction, F = 2·both / (one + other), whichever
is which (Hripcsak and Rothschild, 2005). All pairs on all texts that they share are summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from components.ingest.candidate import Candidate
from components.ingest.resolve import newest_of_each
from components.records.record import label_of


class Agreement:
    """Sums over texts with several annotators."""

    def __init__(self) -> None:
        self.both: Counter[str] = Counter()
        self.either: Counter[str] = Counter()
        self.texts = 0
        self.annotators: set[str] = set()

    def add(self, candidates: Sequence[Candidate], task: str) -> None:
        """Count the complete annotations of one text; reviews are no second opinion."""
        if len(candidates) < 2:
            return
        known = [c for c in candidates if task in c.complete and c.annotator and not c.reviewed]
        known = newest_of_each(known)
        if len(known) < 2:
            return
        self.texts += 1
        self.annotators |= {candidate.annotator for candidate in known}
        marked = [{*candidate.record.answers[task].items} for candidate in known]
        for one, other in combinations(marked, 2):
            self.both.update(label_of(item) for item in one & other)
            self.either.update(label_of(item) for item in [*one, *other])

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
