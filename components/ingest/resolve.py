"""Several annotations of one text become one record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from components.ingest.problems import Note, Policy
from components.ingest.settings import IngestSettings
from components.records.record import Record


class Task(Protocol):
    """What a task says about several records of one text."""

    def merge(self, records: Sequence[Record], newest: int) -> Record:
        """Let full annotations vote; `newest` is the place of the one that decides ties."""

    def merge_partial(self, records: Sequence[Record]) -> tuple[Record, int]:
        """Merge binary answers, the oldest first; and count what was contradicted."""


decode = msgspec.json.Decoder(Record).decode
encode = msgspec.json.Encoder().encode


class Candidate(msgspec.Struct):
    """An annotation that passed all checks; its record is kept packed, since there are many."""

    packed: bytes
    complete: bool
    annotator: str
    time: float
    order: int
    reviewed: bool
    split: str

    @property
    def record(self) -> Record:
        return decode(self.packed)

    @property
    def age(self) -> tuple[float, int]:
        """Rises with newness: by time, else by place in the sources."""
        return self.time, self.order


@dataclass
class Resolved:
    """One record, and what became of the other annotations of its text.

    Attributes:
        record: None when the annotations teach nothing.
        skipped: reason -> how many annotations.
        notes: problems met, at the record's position.
    """

    record: Record | None
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)


def resolve(candidates: Sequence[Candidate], settings: IngestSettings, task: Task) -> Resolved:
    """Make one record of the annotations of one text, in the order of the sources.

    What a reviewer accepted wins; then the order of `select.annotators`; then the vote of all. A
    full annotation outweighs binary answers, which say nothing about the rest of the text.
    """
    if len(candidates) == 1 and candidates[0].complete:
        return Resolved(candidates[0].record)
    complete = [candidate for candidate in candidates if candidate.complete]
    if not complete:
        return resolve_partial(candidates, task)
    resolved = resolve_complete(complete, settings, task)
    resolved.skipped["partial annotation of a text that has a full one"] += len(candidates) - len(
        complete
    )
    resolved.skipped = +resolved.skipped
    return resolved


def resolve_complete(
    candidates: Sequence[Candidate], settings: IngestSettings, task: Task
) -> Resolved:
    skipped: Counter[str] = Counter()
    left = newest_of_each(candidates)
    skipped["annotated again by the same annotator"] += len(candidates) - len(left)
    for reason, choose in choices(settings):
        chosen = choose(left)
        skipped[reason] += len(left) - len(chosen)
        left = chosen
    newest = max(range(len(left)), key=lambda place: left[place].age)
    records = [candidate.record for candidate in left]
    record, notes = records[newest], []
    if any(rival.spans != record.spans for rival in records):
        policy = Policy.STOP if settings.conflicts == "fail" else Policy.WARN
        detail = f"{len(left)} annotators, different spans"
        notes = [Note("conflicting_annotations", detail, record.text, policy)]
        skipped["outvoted or merged by majority"] += len(left) - 1
        record = task.merge(records, newest)
    else:
        skipped["same text, same spans"] += len(left) - 1
    record.split = first_split(candidates, record.split)
    return Resolved(record, skipped, notes)


Choice = Callable[[list[Candidate]], list[Candidate]]


def choices(settings: IngestSettings) -> Iterator[tuple[str, Choice]]:
    """The rules that choose among annotators, each with the reason for those it leaves out."""
    ranks = {name: rank for rank, name in enumerate(settings.select.annotators)}

    def best_ranked(left: list[Candidate]) -> list[Candidate]:
        best = min(ranks.get(candidate.annotator, len(ranks)) for candidate in left)
        return [c for c in left if ranks.get(c.annotator, len(ranks)) == best]

    yield "another annotation was reviewed", reviewed_first
    yield "another annotator has priority", best_ranked


def reviewed_first(left: list[Candidate]) -> list[Candidate]:
    return [candidate for candidate in left if candidate.reviewed] or left


def newest_of_each(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The newest annotation of each annotator; those of unknown annotators are all kept.

    A review does not replace what the same person annotated before: it is kept beside it.
    """
    newest: dict[tuple[str, bool] | int, Candidate] = {}
    for candidate in candidates:
        key = (candidate.annotator, candidate.reviewed) if candidate.annotator else candidate.order
        rival = newest.get(key)
        if rival is None or candidate.age > rival.age:
            newest[key] = candidate
    return sorted(newest.values(), key=lambda candidate: candidate.order)


def resolve_partial(candidates: Sequence[Candidate], task: Task) -> Resolved:
    """Merge binary answers on one text: each is about other spans; the newest counts if not."""
    by_age = sorted(candidates, key=lambda candidate: candidate.age)
    record, contradictions = task.merge_partial([candidate.record for candidate in by_age])
    record.split = first_split(candidates, record.split)
    if not record.spans and not record.rejected:
        return Resolved(None, Counter({"partial annotation without a span": len(candidates)}))
    skipped = Counter({"merged with another answer on the same text": len(candidates) - 1})
    notes = [Note("conflicting_annotations", "answers contradict each other", record.text)]
    return Resolved(record, +skipped, notes if contradictions else [])


def first_split(candidates: Sequence[Candidate], own: str) -> str:
    """The split that the record's own tags say, or any other annotation of the text."""
    splits = [own, *(candidate.split for candidate in candidates)]
    return next((split for split in splits if split), "")
