"""Which records must stay together, and the name of their group that outlives a retrain."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from components.records.keys import NO_KEY
from components.similarity.connected import Edges, connected
from components.split.features import Features


def group(features: Features, near: Edges) -> NDArray[np.int64]:
    """Number the groups: records of one group share a text, a key or a chain of near-duplicates.

    Returns:
        for each record the number of its group, 0 to the number of groups - 1.
    """
    edges = [same(features.text_keys), same(features.group_keys), near]
    left, right = (np.concatenate(split) for split in zip(*edges, strict=True))
    return connected(len(features), left, right)


def same(keys: NDArray[np.uint64]) -> Edges:
    """Join each record that has a key to the first that has the same one."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    repeats = np.flatnonzero((first[inverse] != np.arange(len(keys))) & (keys != NO_KEY))
    return first[inverse[repeats]], repeats


def group_hashes(features: Features, groups: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """A keyed hash of each group: where it starts, the same in every later run.

    A group is named after the least of its keys, so that it keeps its name while it grows under
    one `group_by` key.
    """
    keys = np.where(features.group_keys == NO_KEY, features.text_keys, features.group_keys)
    names = np.full(int(groups.max(initial=-1)) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(names, groups, keys)
    key = str(seed).encode()
    raw = names.astype(">u8").tobytes()
    hashes = b"".join(
        blake2b(raw[at : at + 8], digest_size=8, key=key).digest() for at in range(0, len(raw), 8)
    )
    return np.frombuffer(hashes, ">u8").astype(np.uint64)
