"""The texts of many documents as one, to be looked at all at once."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPACE = ord(" ")
# Whether a code point is white space; the last entry stands for all after the last that is.
WHITE = np.array([chr(code).isspace() for code in range(0x3002)])


@dataclass(frozen=True)
class Texts:
    """Texts one after the other.

    Attributes:
        joined: all of them.
        codes: its code points, and a space at its end.
        base: where each text starts; one more entry for the end.
    """

    joined: str
    codes: NDArray[np.uint32]
    base: NDArray[np.int64]


def join(texts: Sequence[str]) -> Texts:
    """Put texts together."""
    joined = "".join(texts)
    codes = np.frombuffer(f"{joined} ".encode("utf-32-le"), np.uint32)
    return Texts(joined, codes, sums(lengths(texts)))


def lengths(items: Sequence[Sized]) -> NDArray[np.int64]:
    """How long each is."""
    return integers(list(map(len, items)))


def integers(values: list[int]) -> NDArray[np.int64]:
    """Numbers as an array."""
    return np.fromiter(values, np.int64, len(values))


def sums(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, then the running sums."""
    result = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=result[1:])
    return result


def spaced(texts: Texts, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether there is white space at or before each character offset."""
    around = WHITE[np.minimum(texts.codes[at], len(WHITE) - 1)]
    before = WHITE[np.minimum(texts.codes[at - 1], len(WHITE) - 1)]
    result: NDArray[np.bool_] = around | before
    return result
