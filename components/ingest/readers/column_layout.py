"""Which column of a CoNLL file is the word, and which the tag: found from their content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from components.records.problems import StopReadingError
from components.records.sources import Columns
from components.tasks.iob import TAG

# The phrases of CoNLL-2000 and 2003: their column holds tags of the same kind, of no entities.
PHRASES = {"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"}
MOST_ROWS = 0.9  # that must have a tag where a column is one of tags
TAG_FIRST = 2  # columns of files that may have the tag first
CONLL_U = 10  # columns; the last one is MISC
IN_MISC = re.compile(r"(?:^|\|)(?:name|ner|tag|ne|entity)=([^|]+)", re.IGNORECASE)
RANGE = re.compile(r"\d+[-.]\d+")  # CoNLL-U's words of several tokens, and those left unsaid

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Layout:
    """Where things stand in a row; columns count from 0.

    Attributes:
        tabs: cells are parted by tabs, else by spaces.
        columns: how many the rows have.
        numbered: the first one is the token's number in its sentence.
        misc: the tag is a key of the tag column, as in CoNLL-U's MISC.
        outside: there, tokens outside of entities have a tag too, so one without is damaged.
    """

    tabs: bool
    columns: int
    word: int
    tag: int
    numbered: bool = False
    misc: bool = False
    outside: bool = False

    def cells(self, line: str) -> list[str]:
        """The cells of a line; those of tabs may be empty."""
        return split_cells(line, tabs=self.tabs)

    def tag_of(self, cells: Sequence[str]) -> str:
        """The tag of a row, as it is written; of MISC that names none, O unless others say O."""
        if not self.misc:
            return cells[self.tag]
        match = IN_MISC.search(cells[self.tag])
        return match[1] if match else "" if self.outside else "O"

    def fits(self, line: str) -> bool:
        """Whether a line is a row with a tag."""
        cells = self.cells(line)
        return len(cells) == self.columns and TAG.fullmatch(self.tag_of(cells)) is not None


def split_cells(line: str, *, tabs: bool) -> list[str]:
    """Split at tabs, or at runs of spaces. Other white space may be a token."""
    if tabs:
        return [cell.strip(" ") for cell in line.rstrip(" \t").split("\t")]
    return [cell for cell in line.split(" ") if cell]


def find_layout(blocks: Sequence[Sequence[str]], source: str, configured: Columns | None) -> Layout:
    """The layout of a file.

    Args:
        blocks: the lines of its first sentences.
        configured: what the config says of it.

    Raises:
        StopReadingError: several columns hold tags, and the config does not say which one counts.
    """
    lines = [line for block in blocks for line in block]
    tabs = 2 * sum("\t" in line for line in lines) >= len(lines)
    split = [[split_cells(line, tabs=tabs) for line in block] for block in blocks]
    widths = Counter(len(cells) for block in split for cells in block)
    columns = max(widths, key=lambda width: (widths[width], width), default=0)
    usual = [[cells for cells in block if len(cells) == columns] for block in split]
    rows = [cells for block in usual for cells in block]
    numbered = columns > 2 and are_numbered(usual)
    word = configured.word - 1 if configured else int(numbered)
    if configured:
        return Layout(tabs, columns, word, configured.tag - 1, numbered)
    tags = {match[1] for cells in rows if (match := IN_MISC.search(cells[-1]))}
    if columns == CONLL_U and tags:
        outside = bool(tags & {"O", "o"})
        return Layout(tabs, columns, 1, columns - 1, numbered=True, misc=True, outside=outside)
    if columns == TAG_FIRST and first_is_tag(rows):
        return Layout(tabs, columns, word=1, tag=0)
    return Layout(tabs, columns, word, tag_column(rows, columns, word, source), numbered)


def first_is_tag(rows: Rows) -> bool:
    """Whether the tag stands before the word, as in MIT's corpora of films and restaurants."""
    first, last = (sum(TAG.fullmatch(row[n]) is not None for row in rows) for n in (0, 1))
    return first >= MOST_ROWS * len(rows) > last and any(len(row[0]) > 1 for row in rows)


def are_numbered(blocks: Sequence[Rows]) -> bool:
    """Whether the first cells of most sentences count up: some may be damaged."""
    counts = [[cells[0] for cells in block if not RANGE.fullmatch(cells[0])] for block in blocks]
    longer = [numbers for numbers in counts if len(numbers) > 1]
    return 2 * sum(map(counts_up, longer)) > len(longer)


def counts_up(numbers: Sequence[str]) -> bool:
    """Whether these are numbers, each one more than the one before."""
    if not all(number.isdecimal() and len(number) < 10 for number in numbers):
        return False
    first = int(numbers[0])
    return list(map(int, numbers)) == list(range(first, first + len(numbers)))


def tag_column(rows: Rows, columns: int, word: int, source: str) -> int:
    """The column of the tags: the one that holds entities, else the last."""
    types: dict[int, set[str]] = {}
    for column in range(word + 1, columns):
        cells = [row[column] for row in rows]
        # A damaged row or two must not hide what a column is.
        if sum(TAG.fullmatch(cell) is not None for cell in cells) >= MOST_ROWS * len(cells):
            types[column] = {cell[2:] for cell in cells if len(cell) > 2}
    entities = [column for column, names in types.items() if names and not names <= PHRASES]
    if len(entities) > 1:
        listed = " and ".join(str(column + 1) for column in entities)
        raise StopReadingError("ambiguous_columns", source, f"columns {listed} hold entity tags")
    return entities[0] if entities else max(types, default=columns - 1)
