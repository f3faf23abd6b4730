"""Texts that nobody has annotated: JSON Lines, plain lines or a table, packed with gzip or not.

They are read one after the other, whatever the size of a file, and the first that cannot be read
stops: a text that is left out without a word would be missed by nobody.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from components.errors import DataError
from components.records.sources import local_errors, open_system, remote_errors

GZIP = b"\x1f\x8b"
MARK = "\ufeff"  # byte order mark
LONGEST_CELL = 16_000_000  # characters
LONGEST_LINE = 64_000_000  # bytes; a file without an end of line would otherwise fill memory
USUAL = ("text", "sentence", "content")
# What a tool says of its own work on a text: no property of the text.
OF_A_TOOL = ("answer", "accept", "label", "score", "priority")


class Lines(Protocol):
    """A file that is read line by line."""

    def readline(self, size: int = -1, /) -> bytes: ...


class Text(msgspec.Struct, frozen=True):
    """A text, where it stands ("pool.jsonl:12"), and what else its row says of it."""

    place: str
    text: str
    meta: dict[str, Any] = {}


def read_texts(path: str, key: str = "") -> Iterator[Text]:
    """Yield the texts of a file.

    Args:
        path: a local path or an address such as gs://bucket/pool.jsonl; its name says what it is:
            .jsonl, .txt (a text a line), .csv or .tsv with a header, each with .gz behind it or
            not.
        key: the key or column of the text; "": text, or what else is usual.

    Raises:
        ConfigError: the file cannot be read.
        DataError: its name says nothing, or a row holds no text; with the line.
        RemoteError: the storage service failed.
    """
    name = path.rsplit("/", 1)[-1]
    read = reader_of(name)
    with opened(path) as file:
        yield from read(name, decoded(name, file), key)


def reader_of(name: str) -> Callable[[str, Iterable[str], str], Iterator[Text]]:
    """What reads a file of this name.

    Raises:
        DataError: nothing does.
    """
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    if suffix not in READERS:
        raise DataError(
            f"{name}: its name does not say what it is. Texts are read from "
            f"{', '.join(READERS)}, each also with .gz behind it: rename it, or make one of these."
        )
    return READERS[suffix]


@contextmanager
def opened(path: str) -> Iterator[Lines]:
    """A file, unpacked if it is gzip, whatever its name says."""
    with ExitStack() as files:
        if "://" in path:
            with remote_errors(path):
                system, key = open_system(path)
                file = files.enter_context(system.open(key, "rb"))
        else:
            with local_errors(path):
                file = files.enter_context(Path(path).open("rb"))
        packed = file.read(2) == GZIP
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if packed else file


def decoded(name: str, file: Lines) -> Iterator[str]:
    """The lines of a file, with their ends.

    Raises:
        DataError: the gzip is damaged, or a line is not UTF-8.
    """
    number = 0
    try:
        for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE), b""), start=1):
            if len(line) == LONGEST_LINE:
                raise DataError(
                    f"{name}:{number}: a line of more than {LONGEST_LINE:,} bytes. Write one text "
                    "a line."
                )
            text = line.decode()
            yield text.removeprefix(MARK) if number == 1 else text
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}:{number}: byte {error.start + 1} of the line is not UTF-8. Save the file as "
            "UTF-8."
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{name}:{number + 1}: the gzip is cut or damaged ({error}). Copy it again."
        ) from error


def of_json(name: str, lines: Iterable[str], key: str) -> Iterator[Text]:
    """Of JSON Lines: an object with the text under a key, or the text alone."""
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            row = decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise DataError(
                f"{place}: not one JSON value ({error}). Write one object a line, such as "
                '{"text": "…"}.'
            ) from error
        yield of_row(place, row, key)


def of_row(place: str, row: Any, key: str) -> Text:
    """The text of a JSON value.

    Raises:
        DataError: it has none.
    """
    if isinstance(row, str) and not key:
        return Text(place, row)
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected an object with a text, not {type(row).__name__}.")
    # Label Studio keeps a task's text under data.
    inner = row["data"] if isinstance(row.get("data"), dict) and not key else {}
    names = [key] if key else [name for name in USUAL if name in row or name in inner][:1]
    value = next((each[names[0]] for each in (row, inner) if names and names[0] in each), None)
    if not isinstance(value, str):
        found = ", ".join(map(str, row)) or "nothing"
        wanted = key or "text"
        said = f"{wanted} is {type(value).__name__}" if value is not None else f"no {wanted}"
        raise DataError(f"{place}: {said} among {found}. Name the key of the text with --text.")
    return Text(place, value, meta_of({**inner, **row}, names[0]))


def meta_of(row: dict[str, Any], key: str) -> dict[str, Any]:
    """What a row says of its text: its own meta, and every other value that is no collection."""
    own = row.get("meta")
    others = {
        name: value
        for name, value in row.items()
        if isinstance(value, str | int | float)
        and name not in (key, "meta", *OF_A_TOOL)
        and not name.startswith("_")
    }
    return {**others, **(own if isinstance(own, dict) else {})}


def of_lines(name: str, lines: Iterable[str], key: str) -> Iterator[Text]:
    """Of plain text: every line that is not blank is a text."""
    if key:
        raise DataError(f"{name}: lines of plain text have no key {key!r}. Leave --text out.")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Text(f"{name}:{number}", line.rstrip("\r\n"))


def of_table(name: str, lines: Iterable[str], key: str) -> Iterator[Text]:
    """Of a table with a header; the other columns are meta."""
    lines = iter(lines)
    header = next(lines, "")
    delimiter = max(",;\t", key=header.count)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(joined(header, lines), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        at = column_of(name, columns, key)
        line = reader.line_num + 1
        for cells in reader:
            place, line = f"{name}:{line}", reader.line_num + 1
            if not cells:
                continue
            if len(cells) != len(columns):
                raise DataError(
                    f"{place}: {len(cells)} cells under a header of {len(columns)}. Put quotes "
                    f"around a text with {delimiter!r} in it."
                )
            others = [n for n in range(len(columns)) if n != at]
            yield Text(place, cells[at], {columns[n]: cells[n] for n in others})
    except csv.Error as error:
        raise DataError(f"{name}:{reader.line_num}: not whole CSV: {error}.") from error


def joined(first: str, rest: Iterable[str]) -> Iterator[str]:
    """The lines with the first one again."""
    yield first
    yield from rest


def column_of(name: str, columns: list[str], key: str) -> int:
    """Which column holds the text.

    Raises:
        DataError: none does, as far as can be told.
    """
    lowered = [column.lower() for column in columns]
    for wanted in [key.lower()] if key else USUAL:
        if wanted in lowered:
            return lowered.index(wanted)
    raise DataError(
        f"{name}:1: no column {key or 'text'} among {', '.join(columns) or 'nothing'}. The first "
        "line names the columns; name that of the text with --text."
    )


READERS: dict[str, Callable[[str, Iterable[str], str], Iterator[Text]]] = {
    ".jsonl": of_json,
    ".ndjson": of_json,
    ".txt": of_lines,
    ".csv": of_table,
    ".tsv": of_table,
}
