"""CoNLL columns (one token per line) and IOB lines (word|TAG), with IOB, IOB2 or BILUO tags.

spaCy's own helpers read the tags. Its converters are not used whole because they lose the line
numbers that messages and quarantine need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from components.ingest.readers.column_layout import (
    CONLL_U,
    IN_MISC,
    RANGE,
    Layout,
    counts_up,
    find_layout,
)
from components.ingest.readers.lines import ended, numbered, read_lines
from components.records.annotation import Annotation, Item, Place, RawSpan, RawToken, Refused
from components.records.problems import Problems, QuarantineError, StopReadingError
from components.records.scripts import part_without_space
from components.records.sources import SourceFile
from components.tasks.iob import PREFIX, TAG, entities_of

COLUMN = re.compile(rf"\S.*[ \t](?:O|{PREFIX}[-_][^\s|]+)[ \t]*|(?:O|[BI]-[^\s|]+)\t[^\s|]+")
IOB = re.compile(r"(?:\S+\|(?:O|[BILUESM]-[^\s|]+)(?:[ \t]+|$))+")
DOCUMENT = "-DOCSTART-"
COMMENT = re.compile(r"#(?:[ \t]|\s*[\w.:-]+\s*=)")
ASSIGNED = re.compile(r"#\s*([\w.:-]+(?: [\w.:-]+)*)\s*=\s*(.*)")
SAMPLE = 2000  # lines that a layout is found from

Line = tuple[int, str]


def looks_like_column(line: bytes) -> bool:
    """Whether a line is a token with a tag."""
    text = line.decode(errors="replace")
    cells = text.split("\t")
    misc = len(cells) == CONLL_U and cells[0].isdecimal() and IN_MISC.search(cells[-1])
    return bool(misc) or COLUMN.fullmatch(text) is not None


def looks_like_iob(line: bytes) -> bool:
    """Whether a line is a sentence of word|TAG."""
    return IOB.fullmatch(line.decode(errors="replace")) is not None


def read_columns(path: Path, source: str, problems: Problems, file: SourceFile) -> Iterator[Item]:
    """One record per sentence (up to a blank line).

    Sentences after -DOCSTART- or `# newdoc` carry the document's first line as meta.document;
    comments before a sentence are its meta.
    """
    layout = find_layout(sample(path, source), source, file.columns)
    document, block, before = "", list[Line](), ""
    for number, raw in read_lines(path, source, problems):
        line = raw.decode()
        gap = block and number != block[-1][0] + 1
        if gap or line.startswith(DOCUMENT) or not line.strip():
            yield from sentence(source, block, document, layout)
            block = []
        if line.startswith((DOCUMENT, "# newdoc")):
            document = f"{source}:{number}"
        elif line.strip():
            before = block[-1][1] if block else before
            block.append((number, line))
    yield from sentence(source, block, document, layout)
    if block and not block[-1][1].startswith("#"):
        refuse_cut(path, source, block[-1][0], not layout.fits(block[-1][1]))


def sample(path: Path, source: str) -> list[list[str]]:
    """The rows of the first sentences, without comments."""
    blocks: list[list[str]] = [[]]
    for _, raw in islice(numbered(path, source), SAMPLE):
        line = raw.decode(errors="replace").rstrip("\r\n").removeprefix("\ufeff")
        if not line.strip():
            blocks.append([])
        elif not line.startswith(DOCUMENT) and (blocks[-1] or not COMMENT.match(line)):
            blocks[-1].append(line)
    return blocks


def sentence(source: str, block: Sequence[Line], document: str, layout: Layout) -> Iterator[Item]:
    """The record of the lines of a sentence; none where there are comments only."""
    first = next((n for n, (_, line) in enumerate(block) if not is_comment(line, layout)), None)
    if first is None:
        return
    place = Place(source, block[first][0])
    raw = "\n".join(line for _, line in block).encode()
    meta = comments(line for _, line in block[:first])
    meta |= {"document": document} if document else {}
    try:
        rows = [checked(layout.cells(line), layout) for _, line in block[first:]]
        rows = [row for row in rows if row]
        check_numbers([row[0] for row in rows], layout)
        words, tags, spaces = tokens_of(rows, layout)
        yield annotation(place, words, tags, spaces, raw, meta)
    except QuarantineError as problem:
        yield Refused(place, problem.kind, problem.detail, raw)


def is_comment(line: str, layout: Layout) -> bool:
    """Whether a line before a sentence is a comment: '# O' may as well be a token."""
    return COMMENT.match(line) is not None and not layout.fits(line)


def comments(lines: Iterator[str]) -> dict[str, str]:
    """What the comments of a sentence say, by their keys; of those without one, as they are."""
    meta: dict[str, str] = {}
    for line in lines:
        if match := ASSIGNED.fullmatch(line):
            meta |= {} if match[1].startswith("text") else {match[1]: match[2].strip()}
        else:
            meta["comment"] = line.lstrip("#").strip()
    return meta


def checked(cells: list[str], layout: Layout) -> list[str]:
    """A row; nothing for one that is no token of its own.

    Raises:
        QuarantineError: it has another number of columns than the file's other rows.
    """
    if layout.numbered and RANGE.fullmatch(cells[0]) and len(cells) == layout.columns:
        return []
    if len(cells) < 2:
        raise QuarantineError("wrong_shape", "a line without a tag column")
    if len(cells) != layout.columns or max(layout.word, layout.tag) >= len(cells):
        others = f"the file's others have {layout.columns}"
        raise QuarantineError("wrong_shape", f"a line of {len(cells)} columns; {others}")
    return cells


def check_numbers(numbers: Sequence[str], layout: Layout) -> None:
    """Raise QuarantineError where the numbers of a sentence's tokens show that it is not whole."""
    if not (layout.numbered and numbers):
        return
    if not counts_up(numbers) or (layout.misc and numbers[0] != "1"):
        raise QuarantineError("wrong_shape", f"tokens are numbered {', '.join(numbers)[:80]}")


def tokens_of(rows: Sequence[list[str]], layout: Layout) -> tuple[list[str], list[str], list[bool]]:
    """Words, tags and whether a space follows; a blank word is left out.

    Raises:
        QuarantineError: an entity begins on a blank word, or a word has no tag.
    """
    words, tags, spaces = [], [], []
    for cells in rows:
        word, tag = cells[layout.word], layout.tag_of(cells)
        if word.strip():
            if not tag:
                raise QuarantineError("wrong_shape", f"the token {word!r} has no tag")
            words.append(word)
            tags.append(tag)
            spaces.append("SpaceAfter=No" not in cells[-1].split("|"))
        elif tag[:1].upper() in ("B", "U", "S"):
            raise QuarantineError("wrong_shape", f"the tag {tag} on a blank word")
    if not words:
        raise QuarantineError("blank_text", "a sentence of blank words")
    return words, tags, spaces


def read_iob(path: Path, source: str, problems: Problems, _file: SourceFile) -> Iterator[Item]:
    """One record per line of `word|TAG word|POS|TAG …`."""
    last = 0, False
    for number, line in read_lines(path, source, problems):
        place = Place(source, number)
        cells = [cell.split("|") for cell in re.split("[ \t]+", line.decode()) if cell]
        if any(len(cell) < 2 for cell in cells):
            yield Refused(place, "wrong_shape", "a word without |TAG", line)
        elif any(not cell[0].strip() for cell in cells):
            yield Refused(place, "wrong_shape", "a tag on a blank word", line)
        elif cells:
            try:
                words, tags = [c[0] for c in cells], [c[-1] for c in cells]
                yield annotation(place, words, tags, [True] * len(words), line, {})
            except QuarantineError as problem:
                yield Refused(place, problem.kind, problem.detail, line)
        last = number, bool(cells) and not (len(cells[-1]) > 1 and TAG.fullmatch(cells[-1][-1]))
    refuse_cut(path, source, *last)


def refuse_cut(path: Path, source: str, number: int, unfinished: bool) -> None:
    """Raise StopReadingError if the last line is unfinished and has no end: the file was cut."""
    if unfinished and not ended(path, source):
        raise StopReadingError("cut_line", f"{source}:{number}", "the last line is cut")


def annotation(
    place: Place,
    words: list[str],
    tags: list[str],
    spaces: list[bool],
    raw: bytes,
    meta: dict[str, str],
) -> Annotation:
    """Build the text with single spaces between words, but for scripts that have none.

    Raises:
        QuarantineError: a tag belongs to no scheme.
    """
    tokens: list[RawToken] = []
    text = ""
    for place_of, word in enumerate(words):
        if text and spaces[place_of - 1] and not part_without_space(text[-1], word[0]):
            text += " "
        tokens.append(RawToken(len(text), len(text) + len(word), word))
        text += word
    spans = [RawSpan(tokens[a].start, tokens[b].end, label) for label, a, b in read_tags(tags)]
    return Annotation(place, text, spans, raw, tokens=tokens, answer="accept", meta=dict(meta))


def read_tags(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(label, first token, last token) of each entity.

    Raises:
        QuarantineError: a tag belongs to no scheme.
    """
    wrong = [tag for tag in tags if not TAG.fullmatch(tag)]
    if wrong:
        raise QuarantineError("wrong_shape", f"{wrong[0]!r} is no IOB or BILUO tag")
    return entities_of(tags)
