"""CoNLL columns (one token per line) and IOB lines (word|TAG), with IOB, IOB2 or BILUO tags.

spaCy's own helpers read the tags. Its converters are not used whole because they lose the line
numbers that messages and quarantine need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.ingest.annotation import Annotation, Item, Place, RawSpan, RawToken, Refused
from components.ingest.problems import Problems, QuarantineError, StopReadingError
from components.ingest.readers.lines import ended, read_lines

TAG = r"(?:O|-|[BILUES]-[^\s|]+)"
COLUMN = re.compile(rf"\S+(?:[ \t]+\S+)*[ \t]+{TAG}[ \t]*")
COMPLETE = re.compile(r"O|[BILUES]-.+")
IOB = re.compile(rf"(?:\S+\|{TAG}(?: +|$))+")
DOCUMENT = b"-DOCSTART-"

Sentence = tuple[int, list[str], list[str]]  # first line, words, tags


def looks_like_column(line: bytes) -> bool:
    """Whether a line is a token with a tag."""
    return COLUMN.fullmatch(line.decode(errors="replace")) is not None


def looks_like_iob(line: bytes) -> bool:
    """Whether a line is a sentence of word|TAG."""
    return IOB.fullmatch(line.decode(errors="replace")) is not None


def read_columns(path: Path, source: str, problems: Problems) -> Iterator[Item]:
    """One record per sentence (up to a blank line); the first column is the word, the last the tag.

    Sentences after -DOCSTART- carry the document's first line as meta.document.
    """
    document, block = "", list[tuple[int, bytes]]()
    line = before = b""
    for number, line in read_lines(path, source, problems):
        gap = block and number != block[-1][0] + 1
        if gap or line.startswith(DOCUMENT) or not line.strip():
            yield from sentence(source, block, document)
            block = []
        if line.startswith(DOCUMENT):
            document = f"{source}:{number}"
        elif line.strip():
            before = block[-1][1] if block else before
            block.append((number, line))
    yield from sentence(source, block, document)
    if block:
        cells, usual = split_columns(line.decode()), len(split_columns(before.decode()))
        refuse_cut(path, source, block[-1][0], len(cells) < usual or not tagged(cells))


def sentence(source: str, block: Sequence[tuple[int, bytes]], document: str) -> Iterator[Item]:
    if not block:
        return
    place, raw = Place(source, block[0][0]), b"\n".join(line for _, line in block)
    rows = [split_columns(line.decode()) for _, line in block]
    if any(len(row) < 2 for row in rows):
        yield Refused(place, "wrong_shape", "a line without a tag column", raw)
        return
    words, tags = [row[0] for row in rows], [row[-1] for row in rows]
    yield annotation(place, words, tags, raw, {"document": document} if document else {})


def split_columns(line: str) -> list[str]:
    """Split at tabs, or at spaces where there are none. Other white space may be a token."""
    return [cell for cell in line.strip(" \t").split("\t" if "\t" in line else " ") if cell]


def read_iob(path: Path, source: str, problems: Problems) -> Iterator[Item]:
    """One record per line of `word|TAG word|POS|TAG …`."""
    last = 0, False
    for number, line in read_lines(path, source, problems):
        place = Place(source, number)
        cells = [cell.split("|") for cell in line.decode().split(" ") if cell]
        if any(len(cell) < 2 for cell in cells):
            yield Refused(place, "wrong_shape", "a word without |TAG", line)
        elif cells:
            yield annotation(place, [c[0] for c in cells], [c[-1] for c in cells], line, {})
        last = number, bool(cells) and not tagged(cells[-1])
    refuse_cut(path, source, *last)


def tagged(cells: Sequence[str]) -> bool:
    """Whether a token ends with a whole tag. One that is cut in its label cannot be told."""
    return len(cells) > 1 and COMPLETE.fullmatch(cells[-1]) is not None


def refuse_cut(path: Path, source: str, number: int, unfinished: bool) -> None:
    """Raise StopReadingError if the last line is unfinished and has no end: the file was cut."""
    if unfinished and not ended(path, source):
        raise StopReadingError("cut_line", f"{source}:{number}", "the last line is cut")


def annotation(
    place: Place, words: list[str], tags: list[str], raw: bytes, meta: dict[str, str]
) -> Item:
    """Build the text with single spaces between words, as spaCy's converters do."""
    tokens, position = [], 0
    for word in words:
        tokens.append(RawToken(position, position + len(word), word))
        position += len(word) + 1
    try:
        entities = read_tags(tags)
    except QuarantineError as problem:
        return Refused(place, problem.kind, problem.detail, raw)
    spans = [RawSpan(tokens[a].start, tokens[b].end, label) for label, a, b in entities]
    return Annotation(
        place, " ".join(words), spans, raw, tokens=tokens, answer="accept", meta=dict(meta)
    )


def read_tags(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(label, first token, last token) of each entity; IOBES is read as BILUO.

    Raises:
        QuarantineError: a tag belongs to no scheme.
    """
    from spacy.training.iob_utils import iob_to_biluo, tags_to_entities

    wrong = [tag for tag in tags if not COMPLETE.fullmatch(tag)]
    if wrong:
        raise QuarantineError("wrong_shape", f"{wrong[0]!r} is no IOB or BILUO tag")
    biluo = [re.sub("^S-", "U-", re.sub("^E-", "L-", tag)) for tag in tags]
    entities: list[tuple[str, int, int]] = tags_to_entities(iob_to_biluo(biluo))
    return entities
