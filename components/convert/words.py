"""spaCy's hash of every token, without a Python object for each.

spaCy stores a word as MurmurHash64A (Austin Appleby, public domain) of its UTF-8 with seed 1, eight
bytes at a time. Here each step is done for all tokens at once. Symbols (IN, ORG) have small numbers
instead of hashes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from spacy.symbols import IDS as SYMBOLS

from components.convert.layout import Layout

MULTIPLIER = np.uint64(0xC6A4A7935BD1E995)
SHIFT = np.uint64(47)
SEED = np.uint64(1)
SLOTS = 1 << 17  # a power of two


def hashes(layout: Layout) -> tuple[NDArray[np.uint64], list[str]]:
    """spaCy's hash of every token, and the distinct words."""
    starts, ends, data = in_bytes(layout)
    hashed = murmur(data, starts, ends - starts)
    once = representatives(hashed)
    edges = zip(layout.starts[once].tolist(), layout.ends[once].tolist(), strict=True)
    words = [layout.texts.joined[start:end] for start, end in edges]
    for at, word in zip(once.tolist(), words, strict=True):
        if word in SYMBOLS:
            hashed[hashed == hashed[at]] = SYMBOLS[word]
    return hashed, words


def in_bytes(layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int64], bytes]:
    """Where tokens start and end in the UTF-8 of the texts, which has eight bytes more."""
    data = layout.texts.joined.encode() + bytes(8)
    if layout.texts.joined.isascii():
        return layout.starts, layout.ends, data
    continued = np.frombuffer(data, np.uint8) & 0xC0 == 0x80
    place = np.flatnonzero(~continued)
    return place[layout.starts], place[layout.ends], data


def murmur(
    data: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """MurmurHash64A of parts of some bytes, of which the last eight are in no part."""
    eight = np.ndarray(len(data) - 7, "<u8", data, strides=(1,))
    result = SEED ^ (lengths.astype(np.uint64) * MULTIPLIER)
    blocks, rest = lengths >> 3, lengths & 7
    rows, block = np.flatnonzero(blocks), 0
    while len(rows):
        mixed = eight[starts[rows] + 8 * block] * MULTIPLIER
        mixed = (mixed ^ (mixed >> SHIFT)) * MULTIPLIER
        result[rows] = (result[rows] ^ mixed) * MULTIPLIER
        block += 1
        rows = rows[blocks[rows] > block]
    unused = (64 - 8 * rest).astype(np.uint64)
    tail = eight[starts + 8 * blocks] << unused >> unused
    result = np.where(rest > 0, (result ^ tail) * MULTIPLIER, result)
    result = (result ^ (result >> SHIFT)) * MULTIPLIER
    return result ^ (result >> SHIFT)


def representatives(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where each distinct value stands, once.

    Values are thrown into slots, where the last one stays; only those that met another value there
    are sorted. That takes a tenth of the time of sorting all.
    """
    slots = (values & np.uint64(SLOTS - 1)).astype(np.int64)
    holder = np.full(SLOTS, -1)
    holder[slots] = np.arange(len(values))
    collided = np.flatnonzero(values[holder[slots]] != values)
    _, first = np.unique(values[collided], return_index=True)
    return np.concatenate([holder[holder >= 0], collided[first]])
