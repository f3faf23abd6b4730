"""One annotation of a text, until it is resolved with the others of the same text."""

from __future__ import annotations

from collections.abc import Collection

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
        file: where it stands; `asked` what its tool asked for, see `Annotation`.
        grouped: tasks whose spans have a group of their own.
        held_out: whether its source is a test set.
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
    asked: str = ""
    grouped: tuple[str, ...] = ()
    held_out: bool = False

    @property
    def record(self) -> Record:
        return decode(self.packed)

    def without(self, tasks: Collection[str]) -> Candidate:
        """The same annotation, as one that says nothing of some tasks."""
        record = self.record
        for task in tasks:
            del record.answers[task]
        return msgspec.structs.replace(
            self,
            packed=encode(record),
            complete=tuple([name for name in self.complete if name not in tasks]),
            partial=tuple([name for name in self.partial if name not in tasks]),
        )

    @property
    def tasks(self) -> tuple[str, ...]:
        return self.complete + self.partial

    @property
    def age(self) -> tuple[float, int]:
        """Rises with newness: by time, else by place in the sources."""
        return self.time, self.order
