"""The annotation record: the one shape of a document between ingest, split and convert.

A JSON Lines file of these is what `ingest` writes and what `split` and `convert` read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from components.errors import DataError
from components.files import writing


class Span(msgspec.Struct, frozen=True, order=True, gc=False):
    """An entity: character offsets into the text, end exclusive."""

    start: int
    end: int
    label: str


class Record(msgspec.Struct, omit_defaults=True):
    """One annotated document.

    Attributes:
        id: hex digest of the text, the same wherever and whenever it is read.
        spans: entities, sorted, not overlapping.
        tokens: (start, end) character offsets: the annotation tool's own when they agree with the
            text, else those of the language's tokeniser; None leaves them to `convert`.
        meta: the annotation tool's meta object, untouched.
        source: where it came from, as "file:line".
        side: "train", "dev" or "test" when the annotations themselves say so, else "".
        complete: False for binary annotations, where a token without a span is unknown and not O.
        rejected: spans that annotators said are wrong (binary annotations).
    """

    id: str
    text: str
    spans: list[Span]
    tokens: list[tuple[int, int]] | None = None
    meta: dict[str, Any] = {}
    source: str = ""
    side: str = ""
    complete: bool = True
    rejected: list[Span] = []


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file that `write_records` wrote.

    Raises:
        DataError: a line is not a record.
    """
    decoder = msgspec.json.Decoder(Record)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise DataError(
                    f"{path}:{number}: not an annotation record: {error}. "
                    "Give the file that `ingest` or `split` wrote."
                ) from error


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records as JSON Lines, whole or not at all; return how many."""
    encoder = msgspec.json.Encoder()
    count = 0
    with writing(path) as temporary, temporary.open("wb") as file:
        for record in records:
            file.write(encoder.encode(record) + b"\n")
            count += 1
    return count
