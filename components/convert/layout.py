"""Tokens of many documents as arrays, and whether they rebuild the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.convert.texts import SPACE, Texts, sums

Offsets = list[tuple[int, int]]


@dataclass(frozen=True)
class Tokens:
    """Tokens of all documents, one after the other.

    Attributes:
        offsets: first character and the one after the last of each, in its own text; (tokens, 2).
        counts: tokens of each document.
    """

    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]

    def replaced(self, changes: Mapping[int, Offsets]) -> Tokens:
        """With other tokens for some documents."""
        first, counts = sums(self.counts).tolist(), self.counts.copy()
        parts, start = [], 0
        for document, tokens in sorted(changes.items()):
            parts += [self.offsets[start : first[document]], as_array(tokens)]
            start = first[document + 1]
            counts[document] = len(tokens)
        return Tokens(np.concatenate([*parts, self.offsets[start:]]), counts)

    def of(self, document: int) -> Offsets:
        """The tokens of one document."""
        first = int(self.counts[:document].sum())
        rows = self.offsets[first : first + int(self.counts[document])].tolist()
        return [(start, end) for start, end in rows]


def as_array(tokens: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Offsets as an array of two columns."""
    return np.array(tokens, np.int64).reshape(-1, 2)


@dataclass(frozen=True)
class Layout:
    """Where the tokens are in the joined texts.

    Attributes:
        starts, ends: of each token.
        spaces: whether a space follows it.
        first: first token of each document; one more entry for the end.
        broken: documents that their tokens and spaces do not rebuild.
    """

    texts: Texts
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    spaces: NDArray[np.bool_]
    first: NDArray[np.int64]
    broken: NDArray[np.int64]

    def words(self, first: int, end: int) -> list[str]:
        """The tokens of a range as strings."""
        edges = zip(self.starts[first:end].tolist(), self.ends[first:end].tolist(), strict=True)
        return [self.texts.joined[start:stop] for start, stop in edges]


def layout_of(texts: Texts, tokens: Tokens) -> Layout:
    """Find the tokens of all documents and check each document.

    A text is rebuilt when its tokens cover it, in order, but for at most one space after each.
    """
    base, counts = texts.base, tokens.counts
    first = sums(counts)
    floor, ceiling = np.repeat(base[:-1], counts), np.repeat(base[1:], counts)
    starts, ends = tokens.offsets[:, 0] + floor, tokens.offsets[:, 1] + floor
    # Each token reaches to the next one, the last to the end of its text.
    some = counts > 0
    reach = np.empty_like(starts)
    reach[:-1] = starts[1:]
    reach[first[1:][some] - 1] = base[1:][some]
    gap = reach - ends
    spaces = gap == 1
    good = (ends > starts) & (starts >= floor) & (ends + spaces <= ceiling)
    good &= spaces | (gap == 0)
    at = np.flatnonzero(spaces & good)
    good[at] = texts.codes[ends[at]] == SPACE
    broken = np.zeros(len(counts), bool)
    broken[np.searchsorted(first, np.flatnonzero(~good), side="right") - 1] = True
    broken[some] |= starts[first[:-1][some]] != base[:-1][some]
    broken[~some] = np.diff(base)[~some] > 0
    return Layout(texts, starts, ends, spaces, first, np.flatnonzero(broken))
