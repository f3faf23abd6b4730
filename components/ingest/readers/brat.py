"""brat's standoff: offsets in an .ann file, their text in the .txt file of the same name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from components.ingest.readers.lines import check_encoding, read_bytes, read_lines
from components.records.annotation import Annotation, Item, Place, RawSpan, Refused
from components.records.problems import Problems, QuarantineError, StopReadingError
from components.records.sources import SourceFile, brat_text, companion

Fragments = list[tuple[int, int]]

ENTITY = re.compile(r"T\d+\t(\S+) ([0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})*)\t(.*)")
OTHERS = {"A": "attribute", "M": "attribute", "E": "event", "N": "normalization", "#": "note"}
OTHER = re.compile(r"[REAMN#*]\S*\t")  # relations, events, attributes, notes


def looks_like_brat(line: bytes) -> bool:
    """Whether a line is an entity of an .ann file."""
    return ENTITY.fullmatch(line.decode(errors="replace").rstrip("\r\n")) is not None


def read_brat(path: Path, source: str, problems: Problems, file: SourceFile) -> Iterator[Item]:
    """One record: the text with all its entities; relations and notes are passed over."""
    place = Place(source, 1)
    data = read_bytes(text_file(path, source, file), brat_text(source))
    check_encoding(data, Place(brat_text(source), 1))
    text, lines = data.decode(), [*read_lines(path, source, problems)]
    raw = b"".join(line + b"\n" for _, line in lines)
    decoded = [(number, line.decode()) for number, line in lines]
    try:
        spans = [span for number, line in decoded for span in entity(line, number, text)]
    except QuarantineError as problem:
        labels = [match[1] for _, line in decoded if (match := ENTITY.fullmatch(line))]
        yield Refused(place, problem.kind, problem.detail, raw, labels)
        return
    relations = sum(line.startswith(("R", "*")) for _, line in decoded)
    yield Annotation(
        place,
        text,
        spans,
        raw or data,
        answer="accept",
        relations=relations,
        others=dict(Counter(OTHERS[line[0]] for _, line in decoded if line[0] in OTHERS)),
    )


def entity(line: str, number: int, text: str) -> list[RawSpan]:
    """The span of a line; none of a relation or a note.

    Raises:
        QuarantineError: it is neither, or a span in pieces that do not follow each other.
    """
    match = ENTITY.fullmatch(line)
    if match:
        pieces = [(int(a), int(b)) for a, b in (each.split(" ") for each in match[2].split(";"))]
        if not follow(pieces, text):
            detail = f"line {number}: {match[1]} {match[3]!r}, an entity in several pieces"
            raise QuarantineError("wrong_shape", detail)
        return [RawSpan(pieces[0][0], pieces[-1][1], match[1], match[3])]
    if OTHER.match(line):
        return []
    raise QuarantineError("wrong_shape", f"line {number} is neither an entity nor a relation")


def follow(pieces: Fragments, text: str) -> bool:
    """Whether there is but white space between pieces: brat parts an entity at line ends."""
    gaps = [(one[1], other[0]) for one, other in pairwise(pieces)]
    return all(end <= start and not text[end:start].strip() for end, start in gaps)


def text_file(path: Path, source: str, file: SourceFile) -> Path:
    """The text of an .ann file: beside it, or where the snapshot keeps it.

    Raises:
        StopReadingError: it is nowhere.
    """
    beside = path.with_suffix(".txt")
    if beside.exists():
        return beside
    if copied := companion(path, brat_text(file.path)):
        return copied
    raise StopReadingError("corrupt_file", source, f"its text, {brat_text(source)}, is not there")
