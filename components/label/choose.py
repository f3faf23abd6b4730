"""Which of a teacher's answers are learnt, and which texts people are asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from heapq import nsmallest
from typing import Any

from components.label.settings import LabelSettings
from components.label.teacher import Labelled
from components.records.keys import key_of, normalised
from components.records.record import Record, label_of


@dataclass
class Tally:
    """Counts of what the teacher said.

    Attributes:
        labelled: texts of which it said something; `accepted` those that it was certain of,
            `doubtful` those that are worth a review, `skipped` those that are not.
        learnt: texts whose answers are learnt.
        labels: of what is learnt: task -> label -> how often.
        keys: of the texts that are learnt.
    """

    labelled: int = 0
    accepted: int = 0
    doubtful: int = 0
    skipped: int = 0
    learnt: int = 0
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)

    def learn(self, record: Record) -> None:
        """Count an answer that is learnt."""
        self.learnt += 1
        self.keys.append(key_of(normalised(record.text), b"text"))
        for name, answers in record.answers.items():
            self.labels.setdefault(name, Counter()).update(map(label_of, answers.items))


def accepted(one: Labelled, settings: LabelSettings) -> bool:
    """Whether the teacher is certain of a text."""
    return settings.accept is None or (one.confidence or 0.0) >= settings.accept


def learnt(labelled: Iterable[Labelled], settings: LabelSettings, tally: Tally) -> Iterator[Record]:
    """Yield the answers that are learnt, and count all."""
    for one in labelled:
        tally.labelled += 1
        certain = accepted(one, settings)
        if certain:
            tally.accepted += 1
        elif (one.confidence or 0.0) >= settings.skip:
            tally.doubtful += 1
        else:
            tally.skipped += 1
        if certain or settings.keep == "all":
            tally.learn(one.record)
            yield one.record


def audit(labelled: Iterable[Labelled], settings: LabelSettings) -> list[Record]:
    """A random sample of what the teacher is certain of, the same for the same texts and seed."""
    certain = (one.record for one in labelled if accepted(one, settings))
    return nsmallest(settings.audit, certain, key=lambda one: drawn(one, settings.seed))


def doubtful(labelled: Iterable[Labelled], settings: LabelSettings) -> list[Record]:
    """The texts that the teacher is least certain of, of those that are worth a review."""
    if settings.accept is None:
        return []
    asked = (
        one
        for one in labelled
        if not accepted(one, settings) and (one.confidence or 0.0) >= settings.skip
    )

    def order(one: Labelled) -> Any:
        return one.confidence or 0.0, drawn(one.record, settings.seed)

    return [one.record for one in nsmallest(settings.review, asked, key=order)]


def drawn(record: Record, seed: int, what: str = "audit") -> bytes:
    """A random number that a text always has, for one thing."""
    key = f"{what} {seed}".encode()
    return blake2b(normalised(record.text).encode("utf-8", "surrogatepass"), key=key).digest()


def mixed(records: Iterable[Record], seed: int) -> list[Record]:
    """Records in an order that says nothing of them, and so not in that of the draw."""
    return sorted(records, key=lambda one: drawn(one, seed, "order"))
