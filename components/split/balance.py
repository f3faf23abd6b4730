"""Stratification: how many groups of each stratum go to each split.

The aim is that of iterative stratification for multi-label data (Sechidis, Tsoumakas and Vlahavas
2011; Szymanski and Kajdanowicz 2017): for every label each split holds its share of the documents.
They place one document after another. Here every group stands where its keyed hash puts it, which
is right on average, and only the few whose change of split balances the labels are moved. So the
cost grows with the strata of groups and not with the documents, and two runs over
overlapping data agree on nearly every group even without a memory of each other.

All numbers are integers held in float64, so that matrix products are exact and the result is the
same whatever the machine, its BLAS or its threads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# Targets are rounded to hundredths of a document. The number of all documents counts for a fifth of
# a label: where both cannot be had, the labels are balanced.
SCALE, SCALE_OF_ALL = 100, 20
# A label that a split lacks outweighs any sum of deviations that is met, times its importance.
LACKING = 2.0**38
EVERYWHERE = 64  # importance of a label that every split must have
# How many moves of each direction are looked at closely after a look at all of them.
SHORT_LIST = 64
# Among how many moves of each direction a pair is sought, the longer lists when the shorter fail.
PAIR_LISTS = (64, 192, 512)
DIRECTIONS = tuple((a, b) for a in range(3) for b in range(3) if a != b)
SOURCES = np.array([a for a, _ in DIRECTIONS])
TARGETS = np.array([b for _, b in DIRECTIONS])


@dataclass(frozen=True)
class State:
    """Where everything stands. The arrays `free`, `excess` and `groups` change in place.

    Attributes:
        strata: documents with each label in a group of each stratum, scaled; (strata, labels).
        has: 1 where that is not 0.
        weights: squared length of each row of `strata`.
        free: groups of each stratum that may move, by split; (strata, 3).
        excess: documents over the target, scaled; (labels, 3).
        groups: groups with each label, by split; (labels, 3).
        needed: how important it is that a split has the label; (labels, 3).
        ideal: the least that `badness` can be, as far as each label alone is concerned.
    """

    strata: Numbers
    has: NDArray[np.float32]
    weights: Numbers
    free: NDArray[np.int64]
    excess: Numbers
    groups: NDArray[np.int64]
    needed: NDArray[np.float32]
    ideal: tuple[float, float]

    def copy(self) -> State:
        """The same state, to try moves on."""
        return replace(
            self, free=self.free.copy(), excess=self.excess.copy(), groups=self.groups.copy()
        )

    def move(self, stratum: int, direction: int, amount: int) -> None:
        """Let groups of one stratum move to another split."""
        a, b = DIRECTIONS[direction]
        for array, change in (
            (self.free[stratum], amount),
            (self.excess.T, self.strata[stratum] * amount),
            (self.groups.T, (self.strata[stratum] > 0) * amount),
        ):
            array[a] -= change
            array[b] += change

    def badness(self) -> tuple[float, float]:
        """What every step must lower: labels missing where they must be, then the deviations."""
        lacking = self.needed[self.groups == 0].sum()
        return float(lacking), float((self.excess**2).sum())


def rebalance(
    strata: NDArray[np.int64],
    free: NDArray[np.int64],
    fixed: NDArray[np.int64],
    fractions: tuple[float, float, float],
) -> NDArray[np.int64]:
    """Move free groups between the splits until no move and no pair of moves betters the balance.

    The measure is the sum of squared deviations from the targets over labels and splits, after the
    number of labels that a split lacks.

    Args:
        strata: documents in a group of each stratum, first all, then those with each label;
            (strata, 1 + labels). What is said of labels below holds for all documents too.
        free: groups of each stratum that are in each split and may move; (strata, 3).
        fixed: groups that must stay; (strata, 3).
        fractions: of the documents, for each split.

    Returns:
        `free` after the moves.
    """
    # Groups that would fill half of a split by themselves wait in train until the others are
    # balanced around them: moved first, they would leave nothing to balance the splits with.
    size = strata[:, 0]
    large = size > size @ (free + fixed).sum(axis=1) * min(filter(None, fractions)) / 2
    free = free.copy()
    free[large] = np.outer(free[large].sum(axis=1), [1, 0, 0])
    has = strata > 0
    groups = has.T.astype(np.int64) @ (free + fixed)
    documents = strata.T @ (free + fixed)
    scale = np.full(len(documents), SCALE)
    scale[0] = SCALE_OF_ALL
    decided = strata.T @ fixed
    targets = np.rint(
        targets_of(documents.sum(axis=1) * scale, decided * scale[:, None], fractions)
    )
    scaled = (strata * scale).astype(np.float64)
    state = State(
        strata=scaled,
        has=has.astype(np.float32),
        weights=(scaled**2).sum(axis=1),
        free=np.where(large[:, None], 0, free),
        excess=documents * scale[:, None] - targets,
        groups=groups,
        # What was decided to be on a split that gets nothing else can go nowhere.
        needed=needed(groups[:, np.array(fractions) > 0].sum(axis=1), fractions),
        ideal=(0.0, rounding(targets, scale[:, None])),
    )
    local_search(state)
    state.free[large] = free[large]
    local_search(state)
    while better := repair_missing_labels(state):
        state = better
    return state.free


def targets_of(
    documents: NDArray[np.integer],
    decided: NDArray[np.integer],
    fractions: tuple[float, float, float],
) -> Numbers:
    """Documents with each label that every split should have; (labels, 3).

    Where more than its fraction was decided to be on a split, that is its target, and the others
    share the rest as their fractions say: a test set of one's own leaves dev and train their
    proportion.

    Args:
        documents: with each label; (labels).
        decided: those of them that can't go elsewhere, by split; (labels, 3).
    """
    targets: Numbers = np.outer(documents, fractions)
    beyond = np.zeros(decided.shape, bool)
    while (more := (decided > targets) & ~beyond).any():
        beyond |= more
        rest = documents - np.where(beyond, decided, 0).sum(axis=1)
        parts = np.where(beyond, 0, fractions)
        parts /= np.maximum(parts.sum(axis=1, keepdims=True), 1e-12)
        targets = np.where(beyond, decided, rest[:, None] * parts)
    return targets


def rounding(targets: Numbers, scale: NDArray[np.int64]) -> float:
    """The least sum of squared deviations of whole documents from targets, both times scale."""
    up = (-targets) % scale  # what rounding each target up would add
    extra = np.rint(up.sum(axis=1, keepdims=True) / scale)
    # Round up all, then down again where that is nearest, until the sum is right.
    order = np.argsort(-up, axis=1, kind="stable")
    down = np.argsort(order, axis=1, kind="stable") < extra
    return float(((up - scale * down) ** 2).sum())


def needed(groups: NDArray[np.int64], fractions: tuple[float, float, float]) -> NDArray[np.float32]:
    """How important it is that each split has a label.

    All must have one with 3 groups. Where that leaves a choice, one with 2 should be in train and
    test, and one with a single group in train.
    """
    importance = np.array([[0, 0, 0], [1, 0, 0], [4, 0, 4], [EVERYWHERE] * 3], np.float32)
    result: NDArray[np.float32] = importance[np.minimum(groups, 3)]
    return result * (np.array(fractions) > 0).astype(np.float32)


def gains(state: State, rows: NDArray[np.int64] | slice) -> Numbers:
    """By how much the balance betters when one group of a stratum moves; (rows, directions)."""
    pull = state.excess[:, SOURCES] - state.excess[:, TARGETS]
    loses = (state.needed * (state.groups == 1))[:, SOURCES]
    wins = (state.needed * (state.groups == 0))[:, TARGETS]
    result: Numbers = state.strata[rows] @ pull - state.weights[rows, None]
    if loses.any() or wins.any():
        result += LACKING * (state.has[rows] @ (wins - loses))
    result[state.free[rows][:, SOURCES] == 0] = -np.inf
    return result


def best_rows(gain: Numbers, length: int) -> NDArray[np.int64]:
    """The strata with so many of the best moves of each direction, in the order of the strata."""
    if len(gain) <= length:
        return np.arange(len(gain))
    chosen = []
    for column in np.ascontiguousarray(gain.T):
        # Not argpartition: which of several equal entries it returns depends on the processor.
        bound = np.partition(column, -length)[-length]
        better = np.flatnonzero(column > bound)
        equal = np.flatnonzero(column == bound)[: length - len(better)]
        chosen += [better, equal]
    return np.unique(np.concatenate(chosen))


def local_search(state: State) -> None:
    """Move until no single move and no pair of moves betters the balance."""
    descend(state)
    while state.badness() > state.ideal and any(exchange(state, size) for size in PAIR_LISTS):
        descend(state)


def repair_missing_labels(state: State) -> State | None:
    """Where a split lacks a label that it should have, pin a group of it there and settle the rest.

    Returns:
        the first better state found that way, or None.
    """
    for label, split in np.argwhere((state.needed == EVERYWHERE) & (state.groups == 0)):
        for direction in np.flatnonzero(split == TARGETS).tolist():
            source = DIRECTIONS[direction][0]
            movable = (state.strata[:, label] > 0) & (state.free[:, source] > 0)
            for stratum in np.flatnonzero(movable)[:SHORT_LIST].tolist():
                trial = state.copy()
                trial.move(stratum, direction, 1)
                trial.free[stratum, split] -= 1
                local_search(trial)
                trial.free[stratum, split] += 1
                if trial.badness() < state.badness():
                    return trial
    return None


def descend(state: State) -> None:
    """Make the best single move again and again, until none betters the balance."""
    while True:
        gain = gains(state, slice(None))
        best = gain.max(initial=0)
        if best <= 0:
            return
        rows = best_rows(gain, SHORT_LIST)
        # The short list is good for as long as it has moves near those that made it.
        while (gain := gains(state, rows)).max() > best / 4:
            row, direction = divmod(int(gain.argmax()), len(DIRECTIONS))
            stratum = int(rows[row])
            state.move(stratum, direction, amount(state, stratum, direction))


def amount(state: State, stratum: int, direction: int) -> int:
    """How many groups of a stratum to move at once: up to the bottom of the parabola."""
    a, b = DIRECTIONS[direction]
    pull = state.strata[stratum] @ (state.excess[:, a] - state.excess[:, b])
    bottom = int(pull // (2 * state.weights[stratum]))
    watched = (state.needed[:, a] > 0) & (state.strata[stratum] > 0)
    spare = int((state.groups[watched, a] - 1).min(initial=bottom))
    return max(1, min(bottom, spare, int(state.free[stratum, a])))


def exchange(state: State, length: int) -> bool:
    """Make the best pair among the best moves, if one betters the balance; say whether."""
    gain = gains(state, slice(None))
    rows = best_rows(gain, length)
    gain = gain[rows]
    row, direction = np.nonzero(np.isfinite(gain))
    if not len(row):
        return False
    single = gain[row, direction]
    steps = np.eye(3)[TARGETS[direction]] - np.eye(3)[SOURCES[direction]]
    vectors = state.strata[rows[row]]
    # What two moves do together is what each does alone, less where they meet.
    pairs = vectors @ vectors.T
    pairs *= -(steps @ steps.T)
    pairs += single[:, None]
    pairs += single
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
