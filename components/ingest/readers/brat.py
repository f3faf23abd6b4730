"""brat's standoff: offsets in an .ann file, their text in the .txt file of the same name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from components.ingest.readers.lines import check_encoding, read_bytes, read_lines
from components.records.annotation import Annotation, Item, Place, RawSpan, Refused
from components.records.problems import Problems, QuarantineError, StopReadingError
from components.records.sources import SourceFile, brat_text

ENTITY = re.compile(r"T\d+\t(\S+) ([0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})*)\t(.*)")
OTHER = re.compile(r"[REAMN#*]\S*\t")  # relations, events, attributes, notes


def looks_like_brat(line: bytes) -> bool:
    """Whether a line is an entity of an .ann file."""
    return ENTITY.fullmatch(line.decode(errors="replace").rstrip("\r\n")) is not None


def read_brat(path: Path, source: str, problems: Problems, file: SourceFile) -> Iterator[Item]:
    """One record: the text with all its entities; relations and notes are passed over."""
    place = Place(source, 1)
    data = read_bytes(text_file(path, source, file), brat_text(source))
    check_encoding(data, Place(brat_text(source), 1))
    raw, spans = b"", []
    try:
        for number, line in read_lines(path, source, problems):
            raw += line + b"\n"
            spans += entity(line.decode(), number)
    except QuarantineError as problem:
        yield Refused(place, problem.kind, problem.detail, raw)
        return
    yield Annotation(place, data.decode(), spans, raw or data, answer="accept")


def entity(line: str, number: int) -> list[RawSpan]:
    """The span of a line; none of a relation or a note.

    Raises:
        QuarantineError: it is neither, or a span in several pieces.
    """
    match = ENTITY.fullmatch(line)
    if match:
        fragments = match[2].split(";")
        if len(fragments) > 1:
            raise QuarantineError("wrong_shape", f"line {number}: an entity in several pieces")
        start, end = fragments[0].split(" ")
        return [RawSpan(int(start), int(end), match[1], match[3])]
    if OTHER.match(line):
        return []
    raise QuarantineError("wrong_shape", f"line {number} is neither an entity nor a relation")


def text_file(path: Path, source: str, file: SourceFile) -> Path:
    """The text of an .ann file: beside it, or where the snapshot keeps it.

    Raises:
        StopReadingError: it is nowhere.
    """
    beside = path.with_suffix(".txt")
    if beside.exists():
        return beside
    manifest = path.parents[1] / "manifest.json"
    if manifest.exists():
        for entry in json.loads(manifest.read_text(encoding="utf-8")):
            if entry["source"] == brat_text(file.path):
                return manifest.parent / str(entry["copy"])
    raise StopReadingError("corrupt_file", source, f"its text, {brat_text(source)}, is not there")
