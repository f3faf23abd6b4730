"""Ways to split documents with several labels into train, dev and test.

Each takes the documents and returns the work to be timed: from the splits that an earlier run gave
to the first documents (none at first) to a split for every document.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.documents import Labelled
from components.split.assign import assign
from components.split.assignment import decided
from components.split.features import Features
from components.split.grouping import group, group_hashes
from components.split.splits import DEV, TEST, TRAIN, UNDECIDED

Splits = NDArray[np.int8]
Split = Callable[[Splits], Splits]
SHARES = (0.7, 0.1, 0.2)
SMALLEST_CLASS = 5
NO_EDGES = (np.empty(0, np.int64), np.empty(0, np.int64))


def by_retrain(documents: Labelled) -> Split:
    """`components.split` with group_by on the page and the earlier assignment."""
    features = features_of(documents)

    def split(earlier: Splits) -> Splits:
        groups = group(features, NO_EDGES)
        known = np.full(len(features), UNDECIDED, np.int8)
        known[: len(earlier)] = earlier
        fixed = decided(features, groups, known)
        return assign(features, groups, fixed, group_hashes(features, groups, 0), SHARES)[groups]

    return split


def ours_without_memory(documents: Labelled) -> Split:
    """The same when the earlier assignment is lost."""
    split = by_retrain(documents)
    return lambda earlier: split(earlier[:0])


def features_of(documents: Labelled) -> Features:
    """What reading the documents' records would give."""
    names = np.array([f"LABEL_{label:02}" for label in range(documents.labels.shape[1])])
    rows, of = np.unique(documents.labels, axis=0, return_inverse=True)
    count = len(documents.pages)
    mix = np.uint64(0x9E3779B97F4A7C15)
    return Features(
        offsets=np.arange(count + 1),
        text_keys=np.arange(1, count + 1, dtype=np.uint64) * mix,
        group_keys=(documents.pages.astype(np.uint64) + np.uint64(1)) * mix,
        label_sets=of.astype(np.int32),
        tags=np.full(count, UNDECIDED, np.int8),
        sets=[tuple(names[row].tolist()) for row in rows],
    )


def scikit_learn(documents: Labelled) -> Split:
    """train_test_split, twice, stratified by each document's rarest label: it takes one class.

    It refuses classes of one document; the smallest are put to the documents without a label.
    """
    from sklearn.model_selection import train_test_split

    rarity = np.argsort(-documents.labels.sum(axis=0))
    ranks = documents.labels[:, rarity] * np.arange(1, documents.labels.shape[1] + 1)
    rarest = ranks.max(axis=1)
    rarest[np.bincount(rarest)[rarest] < SMALLEST_CLASS] = 0

    def part(rows: NDArray[np.int64], fraction: float) -> list[NDArray[np.int64]]:
        halves: list[NDArray[np.int64]] = train_test_split(
            rows, test_size=fraction, random_state=0, stratify=rarest[rows]
        )
        return halves

    return lambda _: twice(len(rarest), part)


def iterative_stratification(documents: Labelled) -> Split:
    """MultilabelStratifiedShuffleSplit of the package iterative-stratification, twice."""
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    labels = documents.labels.astype(int)

    def part(rows: NDArray[np.int64], fraction: float) -> list[NDArray[np.int64]]:
        splitter = MultilabelStratifiedShuffleSplit(1, test_size=fraction, random_state=0)
        rest, taken = next(splitter.split(rows, labels[rows]))
        return [rows[rest], rows[taken]]

    return lambda _: twice(len(labels), part)


def scikit_multilearn(documents: Labelled) -> Split:
    """IterativeStratification of the package scikit-multilearn, three ways at once."""
    from skmultilearn.model_selection import IterativeStratification

    labels = documents.labels.astype(int)

    def split(_: Splits) -> Splits:
        np.random.seed(0)  # it knows no other
        splitter = IterativeStratification(
            n_splits=3, order=1, sample_distribution_per_fold=list(SHARES)
        )
        splits = np.empty(len(labels), np.int8)
        for split, (_rest, rows) in enumerate(splitter.split(labels, labels)):
            splits[rows] = split
        return splits

    return split


def origin(documents: Labelled) -> Split:
    """The greedy algorithm of the origin, from its description: rarest label first, take a share.

    It made two splits; the dev split is taken here in the same way.
    """

    def split(_: Splits) -> Splits:
        splits = np.full(len(documents.labels), UNDECIDED, np.int8)
        for label in np.argsort(documents.labels.sum(axis=0)):
            take(splits, np.flatnonzero(documents.labels[:, label] & (splits == UNDECIDED)))
        take(splits, np.flatnonzero(splits == UNDECIDED))
        return splits

    return split


def take(splits: Splits, rows: NDArray[np.int64]) -> None:
    """Give the first rows to test, the next to dev, the others to train."""
    test, dev = (round(len(rows) * SHARES[split]) for split in (TEST, DEV))
    splits[rows] = TRAIN
    splits[rows[:test]] = TEST
    splits[rows[test : test + dev]] = DEV


def twice(
    count: int, part: Callable[[NDArray[np.int64], float], list[NDArray[np.int64]]]
) -> Splits:
    """Split test off first, then dev from what is left."""
    splits = np.full(count, TRAIN, np.int8)
    rest, test = part(np.arange(count), SHARES[TEST])
    _, dev = part(rest, SHARES[DEV] / (1 - SHARES[TEST]))
    splits[test], splits[dev] = TEST, DEV
    return splits


CONTENDERS: dict[str, Callable[[Labelled], Split]] = {
    "retrain": by_retrain,
    "retrain, memory lost": ours_without_memory,
    "origin's greedy": origin,
    "scikit-learn": scikit_learn,
    "iterative-stratification": iterative_stratification,
    "scikit-multilearn": scikit_multilearn,
}
