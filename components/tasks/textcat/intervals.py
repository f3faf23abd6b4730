"""95 % intervals of what probabilities are scored by, from test documents drawn again.

Documents are drawn with replacement (Efron's bootstrap), or groups of them, which stand and fall
together. A calibration error cannot be below 0, and chance alone makes one: that of a resample is
larger than that of the set by about what chance adds, and the interval is moved down by as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.records.prediction import Prediction
from components.scoring.calibration import BINS, bins_of
from components.scoring.counts import group_numbers
from components.scoring.intervals import draws, percentiles
from components.tasks.textcat.metrics import answers, said_of, truths_of, yes_of

MOST = 100_000_000  # probabilities, over all resamples: keeps it a matter of seconds
AT_ONCE = 4_000_000  # of them, which bounds memory
FEWEST = 100  # resamples
RANKED = ("auc", "average_precision")  # of each label
Floats = NDArray[np.float64]
Interval = tuple[float, float] | None


def intervals(
    predictions: Sequence[Prediction],
    labels: Sequence[str],
    *,
    exclusive: bool,
    resamples: int,
    seed: int,
    group_by: str | None,
) -> dict[str, Any]:
    """The intervals of `extras`.

    Returns:
        `exact`, `brier`, `ece`, `coverage_at_95`, and `auc` and `average_precision` by label; each
        a pair, or null where a score is undefined in most resamples.
    """
    if not predictions:
        return {}
    statistics = Statistics(predictions, labels, exclusive=exclusive)
    groups = group_numbers(predictions, group_by)
    cells = statistics.said.size
    wanted = max(FEWEST, min(resamples, MOST // max(1, cells)))
    drawn = [
        statistics.of(part[:, groups].astype(np.float64))
        for times in draws(int(groups.max()) + 1, wanted, seed)
        for part in np.array_split(times, -(-len(times) * max(1, cells) // AT_ONCE))
    ]
    whole = {name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}
    [point] = statistics.bins.errors(np.ones((1, len(predictions))))
    whole["ece"] = np.maximum(0.0, whole["ece"] - (whole["ece"].mean() - point))
    found = {name: percentiles(values) for name, values in whole.items()}
    ranked = {name: {one: found.pop(f"{name} {one}") for one in labels} for name in RANKED}
    return {**found, **ranked}


class Statistics:
    """What is computed of each resample.

    Attributes:
        said: probabilities, (documents, labels).
    """

    def __init__(
        self, predictions: Sequence[Prediction], labels: Sequence[str], *, exclusive: bool
    ) -> None:
        self.labels = labels
        said, truths = said_of(predictions, labels), truths_of(predictions, labels)
        yes = yes_of(predictions, labels)
        self.right, self.sure, self.rows = answers(said, truths, yes, exclusive=exclusive)
        self.off, self.asked = squares(said, truths, exclusive=exclusive)
        self.whole = np.array([not one.unknown for one in predictions], float)
        self.exact = self.whole * [set(one.gold) == set(one.predicted) for one in predictions]
        known = ~np.isnan(truths)
        # Of any of several it is each probability that is believed or not, see `extras`.
        each = (said[known], truths[known], known.nonzero()[0])
        believed = (self.sure, self.right, self.rows) if exclusive else each
        self.bins = Bins(*believed, len(predictions))
        self.said, self.truths, self.known = said, truths, known

    def of(self, weights: Floats) -> dict[str, Floats]:
        """The values of resamples.

        Args:
            weights: how often each document is in them, array (resamples, documents).
        """
        ranked = {}
        for place, label in enumerate(self.labels):
            known = self.known[:, place]
            of_label = (weights[:, known], self.said[known, place], self.truths[known, place])
            for name, value in zip(RANKED, ranking(*of_label), strict=True):
                ranked[f"{name} {label}"] = value
        return {
            "exact": ratio(weights @ self.exact, weights @ self.whole),
            "brier": ratio(weights @ self.off, weights @ self.asked),
            "ece": self.bins.errors(weights),
            "coverage_at_95": coverages(weights[:, self.rows], self.sure, self.right, 0.95),
            **ranked,
        }


def ratio(part: Floats, whole: Floats) -> Floats:
    """One by the other; NaN where there is nothing."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def squares(said: Floats, truths: Floats, *, exclusive: bool) -> tuple[Floats, Floats]:
    """Squared errors of each document, and over how many things they are a mean."""
    known = ~np.isnan(truths)
    if exclusive:
        rows = (truths == 1).any(axis=1)
        return np.where(rows, ((said - np.nan_to_num(truths)) ** 2).sum(axis=1), 0.0), rows * 1.0
    errors = np.where(known, (said - np.nan_to_num(truths)) ** 2, 0.0)
    return errors.sum(axis=1), known.sum(axis=1) * 1.0


class Bins:
    """The distance between confidence and truth in the bins of a reliability diagram.

    Args:
        rows: the document of each answer.
    """

    def __init__(
        self, confidence: Floats, right: Floats, rows: NDArray[np.int64], documents: int
    ) -> None:
        self.gaps = np.zeros((documents, BINS))
        np.add.at(self.gaps, (rows, bins_of(confidence)), confidence - right)
        self.answers = np.bincount(rows, minlength=documents).astype(np.float64)

    def errors(self, weights: Floats) -> Floats:
        """Calibration errors of resamples, from how often they have each document."""
        return ratio(np.abs(weights @ self.gaps).sum(axis=1), weights @ self.answers)


def coverages(weights: Floats, confidence: Floats, right: Floats, precision: float) -> Floats:
    """`components.scoring.calibration.coverage` of resamples.

    Args:
        weights: how often each answer is in them, array (resamples, answers).
    """
    order = np.argsort(-confidence, kind="stable")
    seen = weights[:, order].cumsum(axis=1)
    hits = (weights[:, order] * right[order]).cumsum(axis=1)
    last = np.append(confidence[order][1:] < confidence[order][:-1], True)
    reached = np.where((hits >= precision * seen - 1e-9) & last, seen, 0.0)
    return ratio(reached.max(axis=1, initial=0.0), weights.sum(axis=1))


def ranking(weights: Floats, said: Floats, truths: Floats) -> tuple[Floats, Floats]:
    """Areas under the ROC curve, and average precisions, of resamples; NaN without both outcomes.

    Args:
        weights: how often each document is in them, array (resamples, documents).
    """
    if not len(said):
        nothing = np.full(len(weights), np.nan)
        return nothing, nothing
    order = np.argsort(-said, kind="stable")
    starts = np.flatnonzero(np.append(True, said[order][1:] < said[order][:-1]))
    drawn, right = weights[:, order], truths[order] == 1
    yes = np.add.reduceat(drawn * right, starts, axis=1)  # by value, from high to low
    no = np.add.reduceat(drawn * ~right, starts, axis=1)
    hits, false = yes.cumsum(axis=1), no.cumsum(axis=1)
    positives, negatives = hits[:, -1], false[:, -1]
    area = ratio((no * (hits - yes / 2)).sum(axis=1), positives * negatives)
    precise = (yes * np.nan_to_num(ratio(hits, hits + false))).sum(axis=1)
    return area, ratio(precise, np.where(negatives > 0, positives, 0.0))
