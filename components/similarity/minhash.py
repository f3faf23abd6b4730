"""MinHash signatures of many texts at once (Broder 1997), on whole arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5  # characters
PERMUTATIONS = 128
# Characters whose shingles are hashed together: few enough to stay in the processor's cache.
BLOCK = 1 << 15

Hashes = NDArray[np.uint64]

# Any odd number with well-mixed bits does; these are from splitmix64.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_RANDOM = np.random.Generator(np.random.PCG64(0)).integers(
    0, 2**32, (2, PERMUTATIONS), np.uint32, endpoint=False
)
_FACTORS, _TERMS = _RANDOM[0] | np.uint32(1), _RANDOM[1]


def shingles(texts: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """Hash every run of SHINGLE characters; a shorter text is one run.

    Returns:
        the hashes of all texts, one after the other, and where each text starts.
    """
    padded = [text.ljust(SHINGLE, "\0") for text in texts]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    hashes = np.zeros(len(codes) - SHINGLE + 1, np.uint64)
    for at in range(SHINGLE):
        hashes *= _STEP
        hashes += codes[at : at + len(hashes)]
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MIX
    hashes ^= hashes >> np.uint64(29)
    # Runs that begin in one text and end in the next are no shingles.
    within = np.ones(len(hashes), bool)
    ends = np.cumsum(lengths)[:-1]
    for at in range(1, SHINGLE):
        within[ends - at] = False
    starts = np.concatenate([[0], np.cumsum(lengths - SHINGLE + 1)[:-1]])
    return hashes[within], starts


def signatures(texts: Iterable[str], count: int) -> NDArray[np.uint32]:
    """The least value of each permutation over the shingles of each text; (count, PERMUTATIONS).

    A permutation is x -> a * x + b modulo 2^32 with an odd a, over mixed hashes.
    """
    result = np.empty((count, PERMUTATIONS), np.uint32)
    done = 0
    for block in blocks(texts):
        hashes, starts = shingles(block)
        short = hashes.astype(np.uint32)
        values = np.empty_like(short)
        least = np.empty((PERMUTATIONS, len(block)), np.uint32)
        for at in range(PERMUTATIONS):
            np.multiply(short, _FACTORS[at], out=values)
            np.add(values, _TERMS[at], out=values)
            np.minimum.reduceat(values, starts, out=least[at])
        result[done : done + len(block)] = least.T
        done += len(block)
    return result


def blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Gather texts until their characters fill a block."""
    block: list[str] = []
    size = 0
    for text in texts:
        block.append(text)
        size += len(text)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block
