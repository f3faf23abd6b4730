"""The assignment: which split every text and every group key was given, kept between retrains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.records.keys import NO_KEY
from components.registry import assignment, documents
from components.split.features import Features
from components.split.splits import SPLITS, UNDECIDED


@dataclass(frozen=True)
class Assignment:
    """Keys (of texts and of groups alike), ascending, and the split of each."""

    keys: NDArray[np.uint64]
    splits: NDArray[np.int8]

    def splits_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int8]:
        """The split of each key; UNDECIDED where it is not known."""
        if not len(self.keys):
            return np.full(len(keys), UNDECIDED, np.int8)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.splits[at], np.int8(UNDECIDED))


def nothing() -> Assignment:
    """The assignment before the first run."""
    return Assignment(np.empty(0, np.uint64), np.empty(0, np.int8))


def assignment_of(features: Features, splits: NDArray[np.int8]) -> Assignment:
    """What a later run must know: the split of every key of these records."""
    keyed = features.group_keys != NO_KEY
    keys = np.concatenate([features.text_keys, features.group_keys[keyed]])
    unique, first = np.unique(keys, return_index=True)
    return Assignment(unique, np.concatenate([splits, splits[keyed]])[first])


def previous_assignment(previous: Path | None) -> Assignment:
    """The assignment to keep to.

    Args:
        previous: a file, or the folder of a registered model that may hold `assignment.json`;
            None for none.
    """
    if previous is None:
        return nothing()
    path = previous / documents.ASSIGNMENT if previous.is_dir() else previous
    return read_assignment(path) if path == previous or path.exists() else nothing()


def read_assignment(path: Path) -> Assignment:
    """Read what `write_assignment` wrote.

    Raises:
        DataError: it is something else.
    """
    stored = assignment.read(path)
    lists = [getattr(stored, split) for split in SPLITS]
    keys = np.array([int(key, 16) for keys in lists for key in keys], np.uint64)
    order = np.argsort(keys, kind="stable")
    codes = np.repeat(np.arange(len(SPLITS), dtype=np.int8), [len(keys) for keys in lists])
    return Assignment(keys[order], codes[order])


def write_assignment(path: Path, assigned: Assignment) -> None:
    """Write it as JSON, the same bytes for the same assignment."""
    lists = (
        [f"{key:016x}" for key in assigned.keys[assigned.splits == code].tolist()]
        for code in range(len(SPLITS))
    )
    assignment.write(path, assignment.Stored(assignment.VERSION, *lists))


def decided(
    features: Features, groups: NDArray[np.int64], earlier: NDArray[np.int8]
) -> NDArray[np.int8]:
    """The split of each group that is not free to choose; UNDECIDED for the others.

    Tags in the annotations come first; where they disagree within a group, test wins over dev over
    train, so that what a team holds out stays whole. Then earlier splits; where new records join
    earlier groups into one, train wins over dev over test, because a model that has seen a text
    must not be scored on it.

    Args:
        earlier: the earlier split of each record, or UNDECIDED.
    """
    count = int(groups.max(initial=-1)) + 1
    tagged = np.full(count, UNDECIDED, np.int8)
    np.maximum.at(tagged, groups, features.tags)
    known = earlier != UNDECIDED
    kept = np.full(count, len(SPLITS), np.int8)
    np.minimum.at(kept, groups[known], earlier[known])
    kept[kept == len(SPLITS)] = UNDECIDED
    return np.where(tagged != UNDECIDED, tagged, kept)
