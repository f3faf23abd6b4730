"""What in an export may say the status of entities, such as that a finding is absent.

A key of Prodigy's spans, Choices of single regions, and regions that lie over those of entities, as
Annotation Lab exports them. An export does not say which regions are which: they are taken for
statuses only where a label has the name of one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from components.records.annotation import Annotation, RawSpan, values_of
from components.records.record import composed
from components.tasks.assertion.floor import NAMES

USUAL = r"present|positive|affirmed|confirmed|current|actual|asserted"
FEW, MOST = 0.05, 0.95
MOST_VALUES = 10  # that a key may have and still be taken for a status


@dataclass
class Marks:
    """What one key, or one question about regions, says of entities.

    Attributes:
        counts: value -> entities that have it.
        several: entities with more than one value.
        other: values that are no label: numbers with a fraction, lists, objects.
    """

    counts: Counter[str] = field(default_factory=Counter)
    several: int = 0
    other: int = 0

    def why_not(self) -> str:
        """Why they cannot be statuses; "" if they can."""
        if self.other or not self.counts:
            return "its values are no labels"
        if len(self.counts) > MOST_VALUES:
            return f"it has {len(self.counts)} different values"
        if self.several > FEW * self.counts.total():
            return f"{self.several} entities have several values, and a status is one"
        return ""


@dataclass
class Regions:
    """Which regions lie over which.

    Attributes:
        over: label of a region, and the labels of those that it overlaps -> regions.
    """

    over: Counter[tuple[str, frozenset[str]]] = field(default_factory=Counter)

    def count(self, spans: Sequence[RawSpan]) -> None:
        """Count the regions of one text."""
        places = sorted((one.start, one.end, composed(one.label or "")) for one in spans)
        met: list[set[str]] = [set() for _ in places]
        for number, (_, end, label) in enumerate(places):
            for after in range(number + 1, len(places)):
                if places[after][0] >= end:
                    break
                met[number].add(places[after][2])
                met[after].add(label)
        for (_, _, label), labels in zip(places, met, strict=True):
            self.over[label, frozenset(labels)] += 1

    def fraction(self, label: str, others: Set[str]) -> float:
        """How many regions of a label overlap one of others, 0 to 1."""
        counts = {over: n for (one, over), n in self.over.items() if one == label}
        return sum(n for over, n in counts.items() if over & others) / sum(counts.values())

    def statuses(self) -> frozenset[str]:
        """The labels that are statuses of the others; none where that is not plain.

        Besides those that have the name of one, a label that always lies over an entity and never
        over one of these: an entity has one status.
        """
        labels = {label for label, _ in self.over}
        found = {label for label in labels if is_name(label)}
        if not found:
            return frozenset()
        for label in sorted(labels - found):
            others = labels - found - {label}
            if self.fraction(label, found) <= FEW and self.fraction(label, others) >= MOST:
                found.add(label)
        entities = labels - found
        plain = entities and all(self.fraction(label, entities) >= MOST for label in found)
        return frozenset(found) if plain else frozenset()

    def marked(self, statuses: Set[str]) -> int:
        """How many regions of entities have a status."""
        return sum(
            n for (label, over), n in self.over.items() if label not in statuses and over & statuses
        )

    def overlapping(self, statuses: Set[str]) -> float:
        """How many regions of entities overlap another entity, 0 to 1."""
        own = {key: n for key, n in self.over.items() if key[0] not in statuses}
        return sum(n for (_, over), n in own.items() if over - statuses) / max(1, sum(own.values()))


def is_name(label: str) -> bool:
    """Whether a label is called as statuses are."""
    return any(re.fullmatch(one, label.strip(), re.IGNORECASE) for one in (USUAL, *NAMES.values()))


def is_usual(label: str) -> bool:
    """Whether a label is the status of what nothing else is said of."""
    return re.fullmatch(USUAL, label.strip(), re.IGNORECASE) is not None


def count_keys(annotation: Annotation, marks: dict[str, Marks]) -> None:
    """Count what keys of Prodigy's spans say."""
    for key in annotation.span_keys:
        for value in values_of(annotation, key):
            if value in (None, ""):
                continue
            mark = marks.setdefault(key, Marks())
            if isinstance(value, str | bool | int):
                mark.counts[value if isinstance(value, str) else json.dumps(value)] += 1
            else:
                mark.other += 1


def count_choices(annotation: Annotation, marks: dict[str, Marks]) -> None:
    """Count what is chosen for single regions."""
    for choices in annotation.region_choices.values():
        for choice in choices:
            mark = marks.setdefault(choice.question, Marks())
            mark.counts.update(choice.accepted)
            mark.several += len(choice.accepted) > 1
