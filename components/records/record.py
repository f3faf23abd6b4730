"""The annotation record: the one shape of a document between ingest, split and convert.

A JSON Lines file of these is what `ingest` writes and what `split` and `convert` read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from components.records import json_lines


class Span(msgspec.Struct, frozen=True, order=True, gc=False):
    """A labelled stretch of a text: character offsets, end exclusive."""

    start: int
    end: int
    label: str


Item = Span | str  # what a task can say of a document: a span, or a class of the whole


def composed(label: str) -> str:
    """A label in Unicode's normal form C: é as e and an accent, which macOS writes, is é."""
    return label if label.isascii() else unicodedata.normalize("NFC", label)


def label_of(item: Item) -> str:
    """The label of a span; a class is its own."""
    return item if isinstance(item, str) else item.label


def spans_in(items: Iterable[Item]) -> list[Span]:
    """The spans among some items."""
    return [item for item in items if isinstance(item, Span)]


class Answers(msgspec.Struct, omit_defaults=True, gc=False):
    """What annotators said about one document for one task.

    Each label of the task is known, known not to be there, or unknown.

    Attributes:
        spans: sorted; an entity, or a span with its status as its label.
        cats: class -> whether the document has it; a class that is missing is unknown.
        complete: False where what is not named is unknown, as after binary answers.
        rejected: spans that annotators said are wrong.
        known: the labels that somebody looked for, where that is not all of the task's; the others
            are unknown.
    """

    spans: list[Span] = []
    cats: dict[str, bool] = {}
    complete: bool = True
    rejected: list[Span] = []
    known: list[str] | None = None

    @property
    def items(self) -> list[Item]:
        """What is there, without what is known not to be."""
        return [*self.spans, *(name for name, there in self.cats.items() if there)]


class Record(msgspec.Struct, omit_defaults=True, gc=False):
    """One annotated document.

    Attributes:
        id: hex digest of the text, the same wherever and whenever it is read.
        answers: name of a task -> what annotators said; a task that is missing is unannotated,
            which is not the same as annotated with nothing.
        tokens: (start, end) character offsets: the annotation tool's own when they agree with the
            text, else those of the language's tokeniser; None leaves them to `convert`.
        meta: the annotation tool's meta object, untouched.
        source: where it came from, as "file:line".
        split: "train", "dev" or "test" when the annotations themselves say so, else "".
        silver: the model that gave the answers, such as "big 3"; "" where annotators did.
    """

    id: str
    text: str
    answers: dict[str, Answers]
    tokens: list[tuple[int, int]] | None = None
    meta: dict[str, Any] = {}
    source: str = ""
    split: str = ""
    silver: str = ""


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file that `write_records` wrote.

    Raises:
        DataError: a line is not a record.
    """
    return json_lines.read(path, Record, "an annotation record", "`ingest` or `split`")


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records as JSON Lines, whole or not at all; return how many."""
    return json_lines.write(path, records)
