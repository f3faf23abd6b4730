"""The tokens of a text: the annotation tool's own where spaCy can rebuild them, else new ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

from components.records.annotation import RawToken
from components.records.problems import Note
from components.records.scripts import UNSPACED, without_spaces
from components.tokeniser import tokenise

Offsets = list[tuple[int, int]]

CHARACTERS_PER_PIECE = 7


def tokens_of(
    text: str, given: Sequence[RawToken] | None, language: str
) -> tuple[Offsets, list[Note]]:
    """Return (start, end) of each token of `text`, and what was repaired for it."""
    if given and (offsets := agreed(text, given)):
        return offsets, []
    kind = "missing_tokens" if given is None else "tokens_disagree"
    notes = [Note(kind, excerpt=text)]
    if language not in UNSPACED and without_spaces(text):
        notes.append(Note("wrong_language", f"`language` is {language}", text))
    return tokenise(text, language), notes


def agreed(text: str, tokens: Sequence[RawToken]) -> Offsets | None:
    """The offsets of tokens; None unless they are in order, and one space apart at most.

    Others cannot be those of a spaCy Doc of `text`.
    """
    offsets = []
    position, length = 0, len(text)
    for token in tokens:
        start, end, said = token.start, token.end, token.text
        if start != position and (
            start != position + 1 or not position or text[position : position + 1] != " "
        ):
            return None
        word = text[start:end]
        if end <= start or end > length or (said is not None and said != word):
            return None
        if word.strip() != word and not word.isspace():
            return None
        offsets.append((start, end))
        position = end
    return offsets if text[position:] in ("", " ") else None


class Boundaries:
    """Token boundaries of one text, to move a span onto them.

    Attributes:
        own: the tokens, where they are the annotation's own; None for others.
    """

    def __init__(self, tokens: Offsets, *, own: bool = False):
        self.own = tokens if own else None
        self.tokens = tokens

    @cached_property
    def starts(self) -> list[int]:
        return [start for start, _ in self.tokens]

    @cached_property
    def ends(self) -> list[int]:
        return [end for _, end in self.tokens]

    def aligned(self, start: int, end: int) -> bool:
        """Whether a span begins where a token does, and ends where one does."""
        tokens = self.tokens
        first = bisect_left(tokens, (start,))
        if start >= end or first == len(tokens) or tokens[first][0] != start:
            return False
        return tokens[bisect_left(tokens, (end,), first) - 1][1] == end

    def count(self, start: int, end: int) -> int:
        """How many tokens begin in a span."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def expand(self, start: int, end: int) -> tuple[int, int]:
        """The smallest run of whole tokens around the span; white edges are not tokens' own."""
        first = max(0, bisect_right(self.starts, start) - 1)
        last = min(len(self.ends) - 1, bisect_left(self.ends, end))
        return min(self.starts[first], start), max(self.ends[last], end)

    def contract(self, start: int, end: int) -> tuple[int, int]:
        """The largest run of whole tokens in the span; reversed or empty if there is none."""
        first, last = bisect_left(self.starts, start), bisect_right(self.ends, end) - 1
        if first >= len(self.starts) or last < 0:
            return start, start
        return self.starts[first], self.ends[last]


def estimate_pieces(tokens: Offsets) -> int:
    """Estimate how many word pieces a transformer makes of a text.

    One for each seven characters, or part of them, of each token. docs/data.md says how far that is
    from what the tokeniser of all-MiniLM-L6-v2 makes.
    """
    return sum(-(-(end - start) // CHARACTERS_PER_PIECE) for start, end in tokens)
