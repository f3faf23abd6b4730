"""What happened to the records, for the report and the manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

EXAMPLES = 10


@dataclass
class TaskCounts:
    """Counts of the answers to one task.

    Attributes:
        items: of each label; a class counts once for each window.
        misaligned: spans of each label that the training tokeniser cannot delimit.
        in_language, misaligned_in: spans of each language, all and those; nothing where no record
            says its own.
        examples: some of them, as (where, label, text).
        incomplete: records of which something is unknown.
        rejected: spans that annotators refused.
    """

    items: Counter[str] = field(default_factory=Counter)
    misaligned: Counter[str] = field(default_factory=Counter)
    in_language: Counter[str] = field(default_factory=Counter)
    misaligned_in: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    incomplete: int = 0
    rejected: int = 0

    def update(self, other: TaskCounts) -> None:
        """Add the counts of another shard."""
        add(self, other)
        del self.examples[EXAMPLES:]


@dataclass
class Counts:
    """Counts of one shard or, after `update`, of several.

    Attributes:
        records: documents in; `silver` of them were answered by a model.
        documents: documents out, windows counted one by one.
        windowed: records that were too long and became windows.
        words: tokens out.
        retokenised: records without tokens.
        disagreeing: records whose tokens do not rebuild their text.
        split: records with tokens cut at the border of a span.
        tasks: counts of each task, by name.
    """

    records: int = 0
    silver: int = 0
    documents: int = 0
    windowed: int = 0
    words: int = 0
    retokenised: int = 0
    disagreeing: int = 0
    split: int = 0
    tasks: dict[str, TaskCounts] = field(default_factory=dict)

    def update(self, other: Counts) -> None:
        """Add the counts of another shard."""
        add(self, other, but="tasks")
        for name, counts in other.tasks.items():
            self.tasks.setdefault(name, TaskCounts()).update(counts)


def add(one: object, other: object, *, but: str = "") -> None:
    """Add up all fields of two objects of one class."""
    for name, value in vars(other).items():
        if name != but:
            setattr(one, name, getattr(one, name) + value)
