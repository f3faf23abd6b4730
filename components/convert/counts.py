"""What happened to the records, for the report and the manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

EXAMPLES = 10


@dataclass
class Counts:
    """Counts of one shard or, after `update`, of several.

    Attributes:
        records: documents in.
        documents: documents out, windows counted one by one.
        windowed: records that were too long and became windows.
        words: tokens out.
        entities: entities of each label.
        misaligned: of these, how many the training tokeniser cannot delimit.
        examples: some of them, as (where, label, text).
        retokenised: records without tokens.
        disagreeing: records whose tokens do not rebuild their text.
        split: records with tokens cut at the border of an entity.
        incomplete: records whose other tokens are unknown.
        rejected: spans that annotators refused.
    """

    records: int = 0
    documents: int = 0
    windowed: int = 0
    words: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    misaligned: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    retokenised: int = 0
    disagreeing: int = 0
    split: int = 0
    incomplete: int = 0
    rejected: int = 0

    def update(self, other: Counts) -> None:
        """Add the counts of another shard."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        del self.examples[EXAMPLES:]
