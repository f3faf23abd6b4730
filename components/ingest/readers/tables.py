"""CSV and TSV with a header: a word and a tag a row, a span a row, spans as JSON, or classes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from pathlib import Path

from components.ingest.readers.classes import of_cell
from components.ingest.readers.columns import annotation
from components.ingest.readers.exports import are_regions, spans_of
from components.ingest.readers.json_faults import strict_value
from components.ingest.readers.lines import BYTE_ORDER_MARK, check_encoding, ended, read_bytes
from components.ingest.readers.recognise import CLASSES, TEXTS
from components.records.annotation import Annotation, Item, Place, RawSpan, Refused, Skipped
from components.records.problems import Problems, QuarantineError, StopReadingError
from components.records.sources import SourceFile

SPANS = ("label", "labels", "entities", "spans", "ner", "annotations")
LONGEST_CELL = 16_000_000  # characters


@dataclass(frozen=True)
class Row:
    """A row by the names of its columns, in small letters.

    Attributes:
        fault: what is wrong with its shape; "" if nothing.
    """

    line: int
    cells: dict[str, str]
    fault: str = ""

    @property
    def raw(self) -> bytes:
        return json.dumps(self.cells, ensure_ascii=False).encode(errors="replace")


def looks_like_table(line: bytes) -> bool:
    """Whether a first line is a header of one of the tables that are read."""
    names = {*header_of(line.decode(errors="replace"))[1]}
    labels = bool(names & {*SPANS, *CLASSES}) or {"start", "end"} <= names
    return {"word", "tag"} <= names or (bool(names & {*TEXTS}) and labels)


def header_of(line: str) -> tuple[str, list[str]]:
    """The delimiter of a header, and its names in small letters; none if it is no header."""
    delimiter = max(",;\t", key=line.count)
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell too long for any name
        row = []
    return delimiter, [name.strip().lower() for name in row]


def read_table(path: Path, source: str, _problems: Problems, file: SourceFile) -> Iterator[Item]:
    """The records of a table; one with a row of another width than the header is refused."""
    data = read_bytes(path, source).removeprefix(BYTE_ORDER_MARK)
    check_encoding(data, Place(source, 1))
    text = data.decode()
    delimiter, names = header_of(text.partition("\n")[0])
    csv.field_size_limit(LONGEST_CELL)
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        next(reader, None)
        for cells in reader:
            place, line = Place(source, line + 1), reader.line_num
            if not cells:
                continue
            row = row_of(place.line, names, cells, delimiter)
            if row.fault and line >= text.count("\n") and not ended(path, source):
                raise StopReadingError("cut_line", str(place), "the last line is cut")
            rows.append(row)
    except csv.Error as error:
        raise StopReadingError("cut_line", f"{source}:{line}", f"not whole CSV: {error}") from error
    yield from records_of(source, names, rows, file)


def row_of(line: int, names: Sequence[str], cells: Sequence[str], delimiter: str) -> Row:
    """A row; one of another width than the header keeps all its cells, and says so."""
    named = dict(zip_longest(names, cells[: len(names)], fillvalue=""))
    if len(cells) == len(names):
        return Row(line, named)
    if more := cells[len(names) :]:
        named["(more)"] = delimiter.join(more)
    return Row(line, named, f"line {line}: {len(cells)} cells under a header of {len(names)}")


def refused(source: str, rows: Sequence[Row]) -> Refused | None:
    """Why the record of these rows can't be whole; None if it can."""
    fault = next((row.fault for row in rows if row.fault), "")
    if not fault:
        return None
    raw = b"\n".join(row.raw for row in rows)
    return Refused(Place(source, rows[0].line), "wrong_shape", fault, raw)


def records_of(
    source: str, names: Sequence[str], rows: Sequence[Row], file: SourceFile
) -> Iterator[Item]:
    """The records of the rows of a table.

    Raises:
        StopReadingError: a column that the config names, or that is needed, is not there.
    """
    if {"word", "tag"} <= {*names}:
        yield from sentences(source, names[0], rows)
        return
    text = column_of(source, names, file.text.lower(), TEXTS)
    if {"start", "end"} <= {*names}:
        for _, group in groupby(rows, key=lambda row: row.cells[text]):
            some = [*group]
            yield refused(source, some) or of_spans(source, text, some)
        return
    column = next((name for name in SPANS if name in names and holds_spans(rows, name)), "")
    if column and not file.label:
        for row in rows:
            yield refused(source, [row]) or of_json(source, text, column, row)
        return
    label = column_of(source, names, file.label.lower(), (*CLASSES, *SPANS))
    separator = file.separator or ("#" if {"comments"} <= {*names} else "")  # doccano's
    for row in rows:
        yield refused(source, [row]) or of_classes(source, text, label, separator, row)


def column_of(source: str, names: Sequence[str], asked: str, usual: Sequence[str]) -> str:
    """The name of a column: that of the config, else the first usual one."""
    candidates = [asked] if asked else usual
    for name in candidates:
        if name in names:
            return name
    wanted = " or ".join(candidates)
    raise StopReadingError("unknown_column", source, f"no column {wanted} among {', '.join(names)}")


def holds_spans(rows: Sequence[Row], column: str) -> bool:
    """Whether a column has spans as JSON; one without anything has none of them."""
    cells = [cell for row in rows if not row.fault and (cell := row.cells[column].strip())]
    spans = any(re.match(r"\[\s*[\[{]|\{(?!\s*\"choices\")", cell) for cell in cells)
    return spans or {*cells} <= {"[]"}


def of_classes(source: str, text: str, label: str, separator: str, row: Row) -> Item:
    """A text with the classes that a cell names."""
    place = Place(source, row.line)
    try:
        choice = of_cell(row.cells[label], separator)
    except QuarantineError as problem:
        return Refused(place, problem.kind, problem.detail, row.raw)
    if choice is None:
        return Skipped(place, "record without an annotation")
    meta = {k: v for k, v in row.cells.items() if k not in (text, label)}
    item = made(place, row.cells[text], [], row.raw, meta)
    item.choices, item.about_spans = [choice], False
    return item


def sentences(source: str, key: str, rows: Sequence[Row]) -> Iterator[Item]:
    """Sentences of words: a new one begins where the first column is filled, or changes."""
    groups: list[list[Row]] = []
    last = ""
    for row in rows:
        cell = row.cells[key] if key not in ("word", "tag") else ""
        if not groups or (cell and cell != last):
            groups.append([])
            last = cell
        groups[-1].append(row)
    for group in groups:
        if fault := refused(source, group):
            yield fault
            continue
        place, raw = Place(source, group[0].line), b"\n".join(row.raw for row in group)
        words = [
            (row.cells["word"], row.cells["tag"]) for row in group if row.cells["word"].strip()
        ]
        try:
            if not words:
                raise QuarantineError("blank_text", "a sentence of blank words")
            tokens, tags = zip(*words, strict=True)
            yield annotation(place, [*tokens], [*tags], [True] * len(words), raw, {})
        except QuarantineError as problem:
            yield Refused(place, problem.kind, problem.detail, raw)


def of_spans(source: str, text: str, rows: Sequence[Row]) -> Item:
    """A text with a span in each row; a row without offsets says that it has none."""
    place, raw = Place(source, rows[0].line), b"\n".join(row.raw for row in rows)
    spans = []
    for row in rows:
        start, end = row.cells["start"].strip(), row.cells["end"].strip()
        if not start and not end:
            continue
        if not (start.isdecimal() and end.isdecimal() and len(start + end) < 20):
            return Refused(place, "bad_offsets", f"the offsets {start!r} and {end!r}", raw)
        label = next(
            (row.cells[name] for name in ("label", "labels", "tag") if name in row.cells), ""
        )
        spans.append(RawSpan(int(start), int(end), label))
    return made(place, rows[0].cells[text], spans, raw, {})


def of_json(source: str, text: str, column: str, row: Row) -> Item:
    """A text with its spans as JSON."""
    place = Place(source, row.line)
    try:
        cell = row.cells[column]
        value = strict_value(cell.encode()) if cell.strip() else []
        if are_regions(value):
            regions = [(region, label) for region in value for label in region["labels"]]
            value = [{**region, "label": label} for region, label in regions]
        spans = spans_of(value)
    except QuarantineError as problem:
        return Refused(place, problem.kind, problem.detail, row.raw)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        detail = f"{column} holds no spans: {row.cells[column][:80]!r}"
        return Refused(place, "wrong_shape", detail, row.raw)
    meta = {k: v for k, v in row.cells.items() if k not in (text, column)}
    return made(place, row.cells[text], spans, row.raw, meta)


def made(
    place: Place, text: str, spans: list[RawSpan], raw: bytes, meta: dict[str, str]
) -> Annotation:
    return Annotation(place, text, spans, raw, answer="accept", trusted=False, meta=dict(meta))
