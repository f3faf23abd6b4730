"""The annotation record: the one shape of a document between ingest, split and convert.

A JSON Lines file of these is what `ingest` writes and what `split` and `convert` read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from components.records import json_lines


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
        split: "train", "dev" or "test" when the annotations themselves say so, else "".
        complete: False for binary annotations, where a token without a span is unknown and not O.
        rejected: spans that annotators said are wrong (binary annotations).
    """

    id: str
    text: str
    spans: list[Span]
    tokens: list[tuple[int, int]] | None = None
    meta: dict[str, Any] = {}
    source: str = ""
    split: str = ""
    complete: bool = True
    rejected: list[Span] = []


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file that `write_records` wrote.

    Raises:
        DataError: a line is not a record.
    """
    return json_lines.read(path, Record, "an annotation record", "`ingest` or `split`")


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records as JSON Lines, whole or not at all; return how many."""
    return json_lines.write(path, records)
