"""From groups to splits: the hash line, the strata of groups, and the partition after balancing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.records.keys import key_of
from components.split.balance import rebalance
from components.split.features import Features
from components.split.splits import DEV, SPLITS, TEST, TRAIN, UNDECIDED


def assign(
    features: Features,
    groups: NDArray[np.int64],
    decided: NDArray[np.int8],
    group_hashes: NDArray[np.uint64],
    fractions: tuple[float, float, float],
) -> NDArray[np.int8]:
    """Give every group a split.

    Args:
        groups: number of the group of each record.
        decided: split of each group that may not choose, or UNDECIDED.
        group_hashes: keyed hash of each group.
        fractions: of the documents, for train, dev and test.
    """
    stratum, vectors = strata(features, groups, len(group_hashes))
    free = decided == UNDECIDED
    start = np.where(free, hash_splits(group_hashes, fractions), decided)
    counts = rebalance(
        vectors,
        by_split(stratum[free], start[free], len(vectors)),
        by_split(stratum[~free], start[~free], len(vectors)),
        fractions,
    )
    splits: NDArray[np.int8] = start.astype(np.int8)
    splits[free] = partition(stratum[free], group_hashes[free], counts)
    return splits


def strata(
    features: Features, groups: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort the groups into strata: those with the same number of documents per label.

    Returns:
        the stratum of each group, and per stratum the number of all documents and of those with
        each label, (strata, 1 + labels), ascending by a hash so that input order does not show.
    """
    labels = sorted({label for labels in features.sets for label in labels})
    column = {label: at for at, label in enumerate(labels, start=1)}
    members = np.zeros((len(features.sets), 1 + len(labels)), np.int32)
    members[:, 0] = 1
    for row, names in enumerate(features.sets):
        members[row, [column[name] for name in names]] = 1
    # Sums of random numbers, one per label, tell rows apart for far less than comparing them.
    random = np.array([key_of(name, b"label") for name in ["", *labels]], np.uint64)
    hashes = np.zeros(count, np.uint64)
    np.add.at(hashes, groups, (members.astype(np.uint64) @ random)[features.label_sets])
    _, example, stratum = np.unique(hashes, return_index=True, return_inverse=True)
    # Add up the documents of one group of each stratum.
    row_of = np.full(count, -1)
    row_of[example] = np.arange(len(example))
    rows = row_of[groups]
    order = np.argsort(rows, kind="stable")[np.count_nonzero(rows < 0) :]
    starts = np.searchsorted(rows[order], np.arange(len(example)))
    vectors = np.add.reduceat(members[features.label_sets[order]], starts, dtype=np.int64)
    return stratum, vectors


def hash_splits(
    group_hashes: NDArray[np.uint64], fractions: tuple[float, float, float]
) -> NDArray[np.int8]:
    """Where each hash falls on a line that starts with test, then dev, then train."""
    bounds = np.array([fractions[TEST], fractions[TEST] + fractions[DEV]]) * 2.0**64
    return np.array([TEST, DEV, TRAIN], np.int8)[
        np.searchsorted(bounds.astype(np.uint64), group_hashes, side="right")
    ]


def by_split(
    stratum: NDArray[np.int64], splits: NDArray[np.integer], count: int
) -> NDArray[np.int64]:
    """Groups of each stratum on each split; (strata, 3)."""
    cells = np.bincount(stratum * len(SPLITS) + splits, minlength=count * len(SPLITS))
    return cells.reshape(count, len(SPLITS))


def partition(
    stratum: NDArray[np.int64], group_hashes: NDArray[np.uint64], counts: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Assign the groups of each stratum in the order of their hashes.

    So only those that stand next to a border move to another split.
    """
    order = np.lexsort((group_hashes, stratum))
    starts = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    position = np.arange(len(stratum)) - starts[stratum[order]]
    test = counts[stratum[order], TEST]
    dev = counts[stratum[order], DEV]
    splits = np.empty(len(stratum), np.int8)
    splits[order] = np.select([position < test, position < test + dev], [TEST, DEV], TRAIN)
    return splits
