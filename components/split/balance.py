"""Stratification: how many groups of each kind go to each side.

The aim is that of iterative stratification for multi-label data (Sechidis, Tsoumakas and Vlahavas
2011; Szymanski and Kajdanowicz 2017): for every label each side holds its share of the documents.
They place one document after another. Here every group stands where its keyed hash puts it, which
is right on average, and only the few whose change of side balances the labels are moved. So the
cost grows with the kinds of groups and not with the documents, and two runs over
overlapping data agree on nearly every group even without a memory of each other.

All numbers are integers held in float64, so that matrix products are exact and the result is the
same whatever the machine, its BLAS or its threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# Targets are rounded to hundredths of a document.
SCALE = 100
# A label that a side lacks outweighs any sum of deviations.
LACKING = 2.0**46
# How many moves of each direction are looked at closely after a look at all of them.
SHORT_LIST = 64
DIRECTIONS = tuple((a, b) for a in range(3) for b in range(3) if a != b)
SOURCES = np.array([a for a, _ in DIRECTIONS])
TARGETS = np.array([b for _, b in DIRECTIONS])


@dataclass(frozen=True)
class State:
    """Where everything stands. The arrays `free`, `excess` and `groups` change in place.

    Attributes:
        kinds: documents with each label in a group of each kind, times SCALE; (kinds, labels).
        has: 1 where that is not 0.
        weights: squared length of each row of `kinds`.
        free: groups of each kind that may move, by side; (kinds, 3).
        excess: documents over the target, times SCALE; (labels, 3).
        groups: groups with each label, by side; (labels, 3).
        needed: whether a side must have the label; (labels, 3).
    """

    kinds: Numbers
    has: NDArray[np.float32]
    weights: Numbers
    free: NDArray[np.int64]
    excess: Numbers
    groups: NDArray[np.int64]
    needed: NDArray[np.bool_]

    def move(self, kind: int, direction: int, amount: int) -> None:
        """Let groups of one kind change side."""
        a, b = DIRECTIONS[direction]
        for array, change in (
            (self.free[kind], amount),
            (self.excess.T, self.kinds[kind] * amount),
            (self.groups.T, (self.kinds[kind] > 0) * amount),
        ):
            array[a] -= change
            array[b] += change

    def badness(self) -> tuple[int, float]:
        """What every step must lower: labels missing where they must be, then the deviations."""
        lacking = self.needed & (self.groups == 0)
        return int(lacking.sum()), float((self.excess**2).sum())


def rebalance(
    kinds: NDArray[np.int64],
    free: NDArray[np.int64],
    fixed: NDArray[np.int64],
    shares: tuple[float, float, float],
) -> NDArray[np.int64]:
    """Move free groups between the sides until no move and no pair of moves betters the balance.

    The measure is the sum of squared deviations from the targets over labels and sides, after the
    number of labels that a side lacks.

    Args:
        kinds: documents with each label in a group of each kind; (kinds, labels). Whatever is to
            be balanced is a label: give a column of all documents too.
        free: groups of each kind that stand on each side and may move; (kinds, 3).
        fixed: groups that must stay; (kinds, 3).
        shares: of the documents, for each side.

    Returns:
        `free` after the moves.
    """
    has = kinds > 0
    groups = has.T.astype(np.int64) @ (free + fixed)
    documents = kinds.T @ (free + fixed)
    targets = np.rint(np.outer(documents.sum(axis=1), shares) * SCALE)
    scaled = (kinds * SCALE).astype(np.float64)
    state = State(
        kinds=scaled,
        has=has.astype(np.float32),
        weights=(scaled**2).sum(axis=1),
        free=free.copy(),
        excess=documents * SCALE - targets,
        groups=groups,
        needed=needed(groups.sum(axis=1), shares),
    )
    descend(state)
    while exchange(state):
        descend(state)
    return state.free


def needed(groups: NDArray[np.int64], shares: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Which sides must have a label: all with 3 groups, train and test with 2, train with 1."""
    least = np.array([1, 3, 2])
    result: NDArray[np.bool_] = (groups[:, None] >= least) & (np.array(shares) > 0)
    return result


def gains(state: State, rows: NDArray[np.int64] | slice) -> Numbers:
    """By how much the balance betters when one group of a kind moves; (rows, directions)."""
    pull = state.excess[:, SOURCES] - state.excess[:, TARGETS]
    loses = (state.needed & (state.groups == 1))[:, SOURCES].astype(np.float32)
    wins = (state.needed & (state.groups == 0))[:, TARGETS].astype(np.float32)
    result: Numbers = state.kinds[rows] @ pull - state.weights[rows, None]
    if loses.any() or wins.any():
        result += LACKING * (state.has[rows] @ (wins - loses))
    result[state.free[rows][:, SOURCES] == 0] = -np.inf
    return result


def best_rows(gain: Numbers) -> NDArray[np.int64]:
    """The kinds with the SHORT_LIST best moves of each direction, in the order of the kinds."""
    if len(gain) <= SHORT_LIST:
        return np.arange(len(gain))
    # Not argpartition: which of several equal entries it returns depends on the processor.
    bounds = np.partition(gain, -SHORT_LIST, axis=0)[-SHORT_LIST]
    chosen = []
    for column, bound in zip(gain.T, bounds, strict=True):
        better = np.flatnonzero(column > bound)
        equal = np.flatnonzero(column == bound)[: SHORT_LIST - len(better)]
        chosen += [better, equal]
    return np.unique(np.concatenate(chosen))


def descend(state: State) -> None:
    """Make the best single move again and again, until none betters the balance."""
    while True:
        gain = gains(state, slice(None))
        best = gain.max(initial=0)
        if best <= 0:
            return
        rows = best_rows(gain)
        # The short list is good for as long as it has moves near those that made it.
        while (gain := gains(state, rows)).max() > best / 4:
            row, direction = divmod(int(gain.argmax()), len(DIRECTIONS))
            kind = int(rows[row])
            state.move(kind, direction, amount(state, kind, direction))


def amount(state: State, kind: int, direction: int) -> int:
    """How many groups of a kind to move at once: up to the bottom of the parabola."""
    a, b = DIRECTIONS[direction]
    pull = state.kinds[kind] @ (state.excess[:, a] - state.excess[:, b])
    bottom = int(pull // (2 * state.weights[kind]))
    watched = state.needed[:, a] & (state.kinds[kind] > 0)
    spare = int((state.groups[watched, a] - 1).min(initial=bottom))
    return max(1, min(bottom, spare, int(state.free[kind, a])))


def exchange(state: State) -> bool:
    """Make the best pair of moves, if one betters the balance; say whether."""
    gain = gains(state, slice(None))
    rows = best_rows(gain)
    gain = gain[rows]
    row, direction = np.nonzero(np.isfinite(gain))
    if not len(row):
        return False
    single = gain[row, direction]
    steps = np.eye(3)[TARGETS[direction]] - np.eye(3)[SOURCES[direction]]
    vectors = state.kinds[rows[row]]
    pairs = single[:, None] + single - (vectors @ vectors.T) * (steps @ steps.T)
    before = state.badness()
    while (best := int(pairs.argmax())) >= 0 and pairs.flat[best] > 0:
        pair = divmod(best, len(row))
        for move in pair:
            state.move(int(rows[row[move]]), int(direction[move]), 1)
        if state.free.min() >= 0 and state.badness() < before:
            return True
        for move in pair:
            state.move(int(rows[row[move]]), int(direction[move]), -1)
        pairs[pair] = pairs[pair[::-1]] = -np.inf
    return False
