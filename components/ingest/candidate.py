"""One annotation of a text, until it is resolved with the others of the same text."""

from __future__ import annotations

import msgspec

from components.records.record import Record

decode = msgspec.json.Decoder(Record).decode
encode = msgspec.json.Encoder().encode


class Candidate(msgspec.Struct, gc=False):
    """An annotation that passed all checks; its record is kept packed, since there are many.

    Attributes:
        complete: names of the tasks that it answers completely; `partial` of those that it answers
            in part.
        labels: of its spans.
        file: where it stands.
    """

    packed: bytes
    complete: tuple[str, ...]
    partial: tuple[str, ...]
    annotator: str
    time: float
    order: int
    reviewed: bool
    split: str
    labels: frozenset[str]
    file: str

    @property
    def record(self) -> Record:
        return decode(self.packed)

    @property
    def tasks(self) -> tuple[str, ...]:
        return self.complete + self.partial

    @property
    def age(self) -> tuple[float, int]:
        """Rises with newness: by time, else by place in the sources."""
        return self.time, self.order
