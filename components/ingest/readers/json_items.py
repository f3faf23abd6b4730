"""JSON records one per line, in one array, or a single one over several lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from components.ingest.readers.json_faults import is_cut
from components.ingest.readers.lines import (
    BYTE_ORDER_MARK,
    check_encoding,
    open_bytes,
    read_bytes,
    read_lines,
)
from components.records.annotation import Item, Place, Refused
from components.records.problems import Problems, StopReadingError
from components.records.sources import SourceFile

OPEN_ENDED = re.compile(rb"\s*(\{|\{.*[,{\[])\s*")  # the first line of an object over several lines

# Turns the numbered records of a source into annotations.
ReadItems = Callable[[str, Iterable[tuple[int, bytes]], SourceFile], Iterator[Item]]


def reader(read_items: ReadItems) -> Callable[[Path, str, Problems, SourceFile], Iterator[Item]]:
    """A reader of files of JSON records, which `read_items` turns into annotations."""

    def read(path: Path, source: str, problems: Problems, file: SourceFile) -> Iterator[Item]:
        documents = whole_file(path, source)
        if documents is None:
            lines = read_lines(path, source, problems)
            yield from refusing_a_cut(read_items(source, lines, file))
        else:
            yield from read_items(source, numbered(documents, source), file)

    return read


def numbered(documents: Iterable[msgspec.Raw], source: str) -> Iterator[tuple[int, bytes]]:
    """The records of a document, looked at one by one: all at once would take four times its size.

    Raises:
        StopReadingError: one is not UTF-8.
    """
    for number, document in enumerate(documents, start=1):
        record = bytes(document)
        check_encoding(record, Place(source, number))
        yield number, record


def refusing_a_cut(items: Iterator[Item]) -> Iterator[Item]:
    """Pass on what lines hold; raise StopReadingError when the last one is cut."""
    last: Item | None = None
    for last in items:
        yield last
    if isinstance(last, Refused) and last.kind == "not_json" and is_cut(last.raw):
        raise StopReadingError("cut_line", str(last.place), "the last line is cut")


def whole_file(path: Path, source: str) -> list[msgspec.Raw] | None:
    """The records of a file that is one JSON document; None if it is JSON lines."""
    with open_bytes(path) as file:
        first = next((line for line in file if line.strip()), b"").removeprefix(BYTE_ORDER_MARK)
    # Lines of [text, {…}] begin so, too.
    is_array = re.match(rb'\s*\[(?!\s*")', first) is not None
    if not is_array and not OPEN_ENDED.fullmatch(first):
        return None
    text = read_bytes(path, source).removeprefix(BYTE_ORDER_MARK)
    try:
        if is_array:
            return msgspec.json.decode(text, type=list[msgspec.Raw])
        return [msgspec.json.decode(text, type=msgspec.Raw)]
    except (msgspec.DecodeError, RecursionError) as error:
        if is_array:
            raise StopReadingError(
                "cut_line", source, f"it is not one whole JSON array: {error}"
            ) from error
        return None
