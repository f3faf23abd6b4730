"""From groups to splits: the hash line, the kinds of groups, and the cut after balancing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.records.keys import key_of
from components.split.balance import rebalance
from components.split.facts import Facts
from components.split.splits import DEV, SPLITS, TEST, TRAIN, UNDECIDED


def deal(
    facts: Facts,
    groups: NDArray[np.int64],
    decided: NDArray[np.int8],
    anchors: NDArray[np.uint64],
    fractions: tuple[float, float, float],
) -> NDArray[np.int8]:
    """Give every group a split.

    Args:
        groups: number of the group of each record.
        decided: split of each group that may not choose, or UNDECIDED.
        anchors: keyed hash of each group.
        fractions: of the documents, for train, dev and test.
    """
    kind, vectors = kinds(facts, groups, len(anchors))
    free = decided == UNDECIDED
    start = np.where(free, hash_splits(anchors, fractions), decided)
    counts = rebalance(
        vectors,
        by_split(kind[free], start[free], len(vectors)),
        by_split(kind[~free], start[~free], len(vectors)),
        fractions,
    )
    splits: NDArray[np.int8] = start.astype(np.int8)
    splits[free] = cut(kind[free], anchors[free], counts)
    return splits


def kinds(
    facts: Facts, groups: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort the groups into kinds: those with the same number of documents per label.

    Returns:
        the kind of each group, and per kind the number of all documents and of those with each
        label, (kinds, 1 + labels), ascending by a hash so that input order does not show.
    """
    labels = sorted({label for labels in facts.sets for label in labels})
    column = {label: at for at, label in enumerate(labels, start=1)}
    members = np.zeros((len(facts.sets), 1 + len(labels)), np.int32)
    members[:, 0] = 1
    for row, names in enumerate(facts.sets):
        members[row, [column[name] for name in names]] = 1
    # Sums of random numbers, one per label, tell rows apart for far less than comparing them.
    random = np.array([key_of(name, b"label") for name in ["", *labels]], np.uint64)
    hashes = np.zeros(count, np.uint64)
    np.add.at(hashes, groups, (members.astype(np.uint64) @ random)[facts.label_sets])
    _, example, kind = np.unique(hashes, return_index=True, return_inverse=True)
    # Add up the documents of one group of each kind.
    row_of = np.full(count, -1)
    row_of[example] = np.arange(len(example))
    rows = row_of[groups]
    order = np.argsort(rows, kind="stable")[np.count_nonzero(rows < 0) :]
    starts = np.searchsorted(rows[order], np.arange(len(example)))
    vectors = np.add.reduceat(members[facts.label_sets[order]], starts, dtype=np.int64)
    return kind, vectors


def hash_splits(
    anchors: NDArray[np.uint64], fractions: tuple[float, float, float]
) -> NDArray[np.int8]:
    """Where each hash falls on a line that starts with test, then dev, then train."""
    bounds = np.array([fractions[TEST], fractions[TEST] + fractions[DEV]]) * 2.0**64
    return np.array([TEST, DEV, TRAIN], np.int8)[
        np.searchsorted(bounds.astype(np.uint64), anchors, side="right")
    ]


def by_split(kind: NDArray[np.int64], splits: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Groups of each kind on each split; (kinds, 3)."""
    cells = np.bincount(kind * len(SPLITS) + splits, minlength=count * len(SPLITS))
    return cells.reshape(count, len(SPLITS))


def cut(
    kind: NDArray[np.int64], anchors: NDArray[np.uint64], counts: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Deal the groups of each kind in the order of their hashes.

    So only those that stand next to a border move to another split.
    """
    order = np.lexsort((anchors, kind))
    starts = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    position = np.arange(len(kind)) - starts[kind[order]]
    test = counts[kind[order], TEST]
    dev = counts[kind[order], DEV]
    splits = np.empty(len(kind), np.int8)
    splits[order] = np.select([position < test, position < test + dev], [TEST, DEV], TRAIN)
    return splits
