"""Texts that are almost the same, found by locality-sensitive hashing of MinHash signatures.

Only texts whose signatures agree on a whole band are compared (Indyk and Motwani 1998), and a pair
is joined after its sets of shingles have been compared one by one: so no pair is false, and one at
the threshold is overlooked with a probability under MISSED.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from components.similarity.connected import Edges, connected
from components.similarity.minhash import PERMUTATIONS, shingles, signatures

MISSED = 1e-4
# A bucket of up to this size is compared pair by pair; in a larger one (boilerplate that thousands
# of texts share) each text with so many neighbours.
NEIGHBOURS = 64
BATCH = 1 << 20  # pairs gathered before they are looked at
CHUNK = 1 << 10  # pairs compared at once


def similar(text: Callable[[int], str], count: int, threshold: float) -> Edges:
    """Pairs of texts at or above a Jaccard threshold, enough to connect all that are."""
    signed = signatures(map(text, range(count)), count)
    left: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    right: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    groups = np.arange(count)
    for a, b in candidates(signed, band_rows(threshold)):
        apart = groups[a] != groups[b]
        a, b = likely(signed, a[apart], b[apart], threshold)
        matching = confirmed(text, a, b, threshold)
        if matching.any():
            left.append(a[matching])
            right.append(b[matching])
            groups = connected(count, np.concatenate(left), np.concatenate(right))
    return np.concatenate(left), np.concatenate(right)


def near_known(known: Sequence[str], texts: Sequence[str], threshold: float) -> NDArray[np.bool_]:
    """Which of the texts has at least this Jaccard similarity to one of the known ones.

    Args:
        known, texts: normalised.
    """
    every = [*known, *texts]
    signed = signatures(every, len(every))
    near = np.zeros(len(every), bool)
    for a, b in candidates(signed, band_rows(threshold)):
        known_first = np.minimum(a, b), np.maximum(a, b)
        across = (known_first[0] < len(known)) & (known_first[1] >= len(known))
        across &= ~near[known_first[1]]
        left, right = likely(signed, known_first[0][across], known_first[1][across], threshold)
        near[right[confirmed(every.__getitem__, left, right, threshold)]] = True
    return near[len(known) :]


def band_rows(threshold: float) -> int:
    """The longest bands that overlook few enough pairs at the threshold."""
    fit = [
        rows
        for rows in range(1, PERMUTATIONS + 1)
        if (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISSED
    ]
    return max(fit, default=1)


def candidates(signed: NDArray[np.uint32], rows: int) -> Iterator[Edges]:
    """Yield pairs of texts whose signatures agree on a band of so many rows."""
    factors = np.random.Generator(np.random.PCG64(1)).integers(0, 2**63, rows, np.uint64)
    factors = factors * np.uint64(2) + np.uint64(1)
    bits = np.uint64(len(signed).bit_length())
    for start in range(0, PERMUTATIONS - rows + 1, rows):
        keys = np.zeros(len(signed), np.uint64)
        for at in range(rows):
            keys = (keys + signed[:, start + at]) * factors[at]
            keys ^= keys >> np.uint64(31)
        # Sorting distinct numbers, each a key with the text's own number in its low bits, is many
        # times faster than a stable argsort, and as deterministic.
        numbered = np.sort(keys >> bits << bits | np.arange(len(keys), dtype=np.uint64))
        order = (numbered & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
        yield from neighbours(numbered >> bits, order)


def neighbours(keys: NDArray[np.uint64], order: NDArray[np.int64]) -> Iterator[Edges]:
    """Yield pairs of texts with equal keys: the next ones first, since they connect most others.

    Args:
        keys: ascending.
        order: the text of each key.
    """
    gathered: list[Edges] = []
    size = 0
    for distance in range(1, NEIGHBOURS):
        near = np.flatnonzero(keys[:-distance] == keys[distance:])
        if not len(near):
            break
        gathered.append((order[near], order[near + distance]))
        size += len(near)
        if distance == 1 or size > BATCH:
            yield joined(gathered)
            gathered, size = [], 0
    if gathered:
        yield joined(gathered)


def joined(edges: list[Edges]) -> Edges:
    """Several lists of pairs as one."""
    return np.concatenate([a for a, _ in edges]), np.concatenate([b for _, b in edges])


def likely(
    signed: NDArray[np.uint32], a: NDArray[np.int64], b: NDArray[np.int64], threshold: float
) -> Edges:
    """Keep the pairs whose signatures do not put them five standard errors under the threshold."""
    error = math.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
    least = math.floor((threshold - 5 * error) * PERMUTATIONS)
    chosen = np.empty(len(a), bool)
    for at in range(0, len(a), CHUNK):
        chunk = slice(at, at + CHUNK)
        equal = signed.take(a[chunk], axis=0) == signed.take(b[chunk], axis=0)
        chosen[chunk] = np.count_nonzero(equal, axis=1) >= least
    return a[chosen], b[chosen]


def confirmed(
    text: Callable[[int], str], a: NDArray[np.int64], b: NDArray[np.int64], threshold: float
) -> NDArray[np.bool_]:
    """Compare the sets of shingles of each pair; say which reach the threshold."""
    chunks = (slice(at, at + CHUNK) for at in range(0, len(a), CHUNK))
    reached = [jaccard(text, a[chunk], b[chunk]) >= threshold for chunk in chunks]
    return np.concatenate([np.empty(0, bool), *reached])


def jaccard(
    text: Callable[[int], str], a: NDArray[np.int64], b: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Jaccard similarity of the sets of shingles of each pair of texts."""
    rows, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    left, right = places[: len(a)], places[len(a) :]
    hashes, starts = shingles([text(row) for row in rows.tolist()])
    distinct, names = np.unique(hashes, return_inverse=True)
    row = np.repeat(np.arange(len(rows)), np.diff(starts, append=len(hashes)))
    # Each member of each set as one number: ascending by set, then by shingle.
    members = np.sort(row * len(distinct) + names)
    members = members[np.append(True, np.diff(members) > 0)]
    first = np.searchsorted(members, np.arange(len(rows) + 1) * len(distinct))
    sizes = np.diff(first)
    # All members of the left sets, and whether the right set of the pair has them too.
    pair = np.repeat(np.arange(len(a)), sizes[left])
    ends = np.cumsum(sizes[left])
    position = np.arange(len(pair)) - np.repeat(ends - sizes[left], sizes[left])
    wanted = members[first[left[pair]] + position] + (right - left)[pair] * len(distinct)
    matching = members[np.minimum(np.searchsorted(members, wanted), len(members) - 1)] == wanted
    shared = np.bincount(pair[matching], minlength=len(a))
    return shared / (sizes[left] + sizes[right] - shared)
