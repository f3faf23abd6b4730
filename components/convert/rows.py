"""What convert reads of the records, as fast as their bytes can be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from components.errors import DataError
from components.records.record import Span

ABSENT = msgspec.Raw(b"null")


class RowAnswers(msgspec.Struct, gc=False):
    """As `components.records.record.Answers`, but what a record does not have costs no object."""

    spans: list[Span] = []
    cats: dict[str, bool] | None = None
    complete: bool = True
    rejected: list[Span] | None = None
    known: list[str] | None = None


UNANSWERED = RowAnswers(complete=False)  # for a task that nobody annotated a record for


class Row(msgspec.Struct, gc=False):
    """The parts of a record that convert needs; see `components.records.record.Record`.

    The tokens, most of a record, are left as JSON: those of all rows become numbers at once, and
    never Python objects.
    """

    id: str
    text: str
    answers: dict[str, RowAnswers]
    tokens: msgspec.Raw = ABSENT
    meta: dict[str, Any] = {}
    source: str = ""
    silver: str = ""

    @property
    def all_spans(self) -> list[Span]:
        """The spans of all tasks, those that were rejected too."""
        return [
            span for said in self.answers.values() for span in (*said.spans, *(said.rejected or ()))
        ]


def read_rows(path: Path, start: int, end: int) -> list[Row]:
    """The records whose lines start in a range of bytes of a file.

    Raises:
        DataError: a line is not a record.
    """
    decoder = msgspec.json.Decoder(Row)
    with path.open("rb") as file:
        start, block = lines(file, start, end)
    try:
        return decoder.decode_lines(block)
    except msgspec.DecodeError as error:
        raise DataError(
            f"{path}: the line at byte {start + broken(block, decoder)} is not an annotation "
            f"record: {error}. Give the file that `ingest` or `split` wrote."
        ) from error


def lines(file: BinaryIO, start: int, end: int) -> tuple[int, bytes]:
    """Where the first line that starts in a range of bytes starts, and all that do."""
    if start:
        # The line that the byte before belongs to is another range's.
        file.seek(start - 1)
        start += len(file.readline()) - 1
    if start >= end:
        return start, b""
    block = file.read(end - start)
    return start, block if block.endswith(b"\n") else block + file.readline()


def broken(block: bytes, decoder: msgspec.json.Decoder[Row]) -> int:
    """Where the first line starts that is not a record."""
    at = 0
    for line in block.splitlines(keepends=True):
        try:
            decoder.decode(line)
        except msgspec.DecodeError:
            break
        at += len(line)
    return at
