"""What hangs together, however long the chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Edges = tuple[NDArray[np.int64], NDArray[np.int64]]


def connected(size: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected components of the graph with edges left[i] - right[i], numbered from 0.

    Every root hooks onto the least root next to it, then paths are halved until they are flat
    (Shiloach and Vishkin 1982), so the rounds are few and each is a handful of array operations.
    """
    root = np.arange(size)
    while True:
        a, b = root[left], root[right]
        apart = a != b
        if not apart.any():
            return np.unique(root, return_inverse=True)[1]
        left, right = left[apart], right[apart]
        np.minimum.at(root, np.maximum(a, b)[apart], np.minimum(a, b)[apart])
        while (root[root] != root).any():
            root = root[root]
