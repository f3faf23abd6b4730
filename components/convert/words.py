"""spaCy's hash of every token, without a Python object for each.

spaCy stores a word as MurmurHash64A (Austin Appleby, public domain) of its UTF-8 with seed 1, eight
bytes at a time. Here each step is done for all tokens at once. Every distinct word then also goes
through spaCy's own StringStore, once: so symbols (IN, ORG), which have small numbers instead of
hashes, get theirs, and no word is stored under a number that spaCy would not give it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from spacy.strings import StringStore

from components.convert.layout import Layout

MULTIPLIER = np.uint64(0xC6A4A7935BD1E995)
SHIFT = np.uint64(47)
SEED = np.uint64(1)
SLOTS = 1 << 17  # a power of two


def hashes(layout: Layout) -> tuple[NDArray[np.uint64], list[str]]:
    """spaCy's hash of every token, and the distinct words."""
    starts, ends, data = in_bytes(layout)
    found = murmur(data, starts, ends - starts)
    once = representatives(found)
    edges = zip(layout.starts[once].tolist(), layout.ends[once].tolist(), strict=True)
    words = [layout.texts.joined[start:end] for start, end in edges]
    numbers = np.array(list(map(StringStore().add, words)), np.uint64)
    for at in np.flatnonzero(numbers != found[once]).tolist():
        found[found == found[once[at]]] = numbers[at]
    return found, words


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
    rows = np.flatnonzero(rest)
    unused = (64 - 8 * rest[rows]).astype(np.uint64)
    tail = eight[starts[rows] + 8 * blocks[rows]] << unused >> unused
    result[rows] = (result[rows] ^ tail) * MULTIPLIER
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
    lost = np.flatnonzero(values[holder[slots]] != values)
    _, first = np.unique(values[lost], return_index=True)
    return np.concatenate([holder[holder >= 0], lost[first]])
