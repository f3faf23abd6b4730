"""Texts that are almost the same, found by locality-sensitive hashing of MinHash signatures.

Only texts whose signatures agree on a whole band are compared (Indyk and Motwani 1998), and a pair
is joined after its sets of shingles have been compared one by one: so no pair is false, and one at
the threshold is overlooked with a probability under MISSED.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from components.split.facts import Facts, normalised
from components.split.grouping import Edges, connected
from components.split.minhash import PERMUTATIONS, shingles, signatures

MISSED = 1e-4
# A bucket of up to this size is compared pair by pair; in a larger one (boilerplate that thousands
# of texts share) each text with so many neighbours.
NEIGHBOURS = 64
CHUNK = 4096  # pairs


class Text(msgspec.Struct):
    """The part of a record that matters here."""

    text: str


def near_duplicates(annotations: Path, facts: Facts, threshold: float) -> Edges:
    """Pairs of records whose texts' sets of shingles have at least this Jaccard similarity.

    Pairs that others connect already are left out. A threshold of 0 finds none.
    """
    if not threshold:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    records = np.unique(facts.text_keys, return_index=True)[1]
    decode = msgspec.json.Decoder(Text).decode
    with annotations.open("rb") as source:

        def text(row: int) -> str:
            start, end = facts.offsets[records[row] : records[row] + 2].tolist()
            return normalised(decode(os.pread(source.fileno(), end - start, start)).text)

        left, right = similar(text, len(records), threshold)
    return records[left], records[right]


def similar(text: Callable[[int], str], count: int, threshold: float) -> Edges:
    """Pairs of texts at or above a Jaccard threshold, enough to connect all that are."""
    signed = signatures(map(text, range(count)), count)
    left: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    right: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    groups = np.arange(count)
    for a, b in candidates(signed, band_rows(threshold)):
        apart = groups[a] != groups[b]
        a, b = likely(signed, a[apart], b[apart], threshold)
        found = confirmed(text, a, b, threshold)
        if found.any():
            left.append(a[found])
            right.append(b[found])
            groups = connected(count, np.concatenate(left), np.concatenate(right))
    return np.concatenate(left), np.concatenate(right)


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
    for start in range(0, PERMUTATIONS - rows + 1, rows):
        keys = np.zeros(len(signed), np.uint64)
        for at in range(rows):
            keys = (keys + signed[:, start + at]) * factors[at]
            keys ^= keys >> np.uint64(31)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        for distance in range(1, NEIGHBOURS):
            near = np.flatnonzero(keys[:-distance] == keys[distance:])
            if not len(near):
                break
            yield order[near], order[near + distance]


def likely(
    signed: NDArray[np.uint32], a: NDArray[np.int64], b: NDArray[np.int64], threshold: float
) -> Edges:
    """Keep the pairs whose signatures do not put them four standard errors under the threshold."""
    least = threshold - 4 * math.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
    kept = [
        (signed[a[at : at + CHUNK]] == signed[b[at : at + CHUNK]]).mean(axis=1) >= least
        for at in range(0, len(a), CHUNK)
    ]
    keep = np.concatenate([np.empty(0, bool), *kept])
    return a[keep], b[keep]


def confirmed(
    text: Callable[[int], str], a: NDArray[np.int64], b: NDArray[np.int64], threshold: float
) -> NDArray[np.bool_]:
    """Compare the sets of shingles of each pair; say which reach the threshold."""
    result = np.zeros(len(a), bool)
    for pair, (left, right) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        one, other = (np.unique(shingles([text(row)])[0]) for row in (left, right))
        shared = len(np.intersect1d(one, other, assume_unique=True))
        result[pair] = shared >= threshold * (len(one) + len(other) - shared)
    return result
