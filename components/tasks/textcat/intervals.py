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

MOST = 200_000_000  # probabilities, over all resamples: keeps it a matter of seconds
FEWEST = 100  # resamples
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
        `brier`, `ece`, `coverage_at_95`, and `auc` by label; each a pair, or null where a score is
        undefined in most resamples.
    """
    if not predictions:
        return {}
    said, truths = said_of(predictions, labels), truths_of(predictions, labels)
    right, sure, rows = answers(said, truths, yes_of(predictions, labels), exclusive=exclusive)
    known = ~np.isnan(truths)
    off, asked = squares(said, truths, exclusive=exclusive)
    # Of any of several it is each probability that is believed or not, see `extras`.
    believed = (
        (sure, right, rows) if exclusive else (said[known], truths[known], known.nonzero()[0])
    )
    bins = Bins(*believed, len(predictions))
    groups = group_numbers(predictions, group_by)
    wanted = max(FEWEST, min(resamples, MOST // max(1, said.size)))
    drawn: list[dict[str, Floats]] = []
    for times in draws(int(groups.max()) + 1, wanted, seed):
        weights = times[:, groups].astype(np.float64)
        drawn.append(
            {
                "brier": ratio(weights @ off, weights @ asked),
                "ece": bins.errors(weights),
                "coverage_at_95": coverages(weights[:, rows], sure, right, 0.95),
                **{
                    f"auc {label}": auc(
                        weights[:, known[:, place]],
                        said[known[:, place], place],
                        truths[known[:, place], place],
                    )
                    for place, label in enumerate(labels)
                },
            }
        )
    whole = {name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}
    chance = whole["ece"].mean() - bins.errors(np.ones((1, len(predictions))))[0]
    whole["ece"] = np.maximum(0.0, whole["ece"] - chance)
    found = {name: percentiles(values) for name, values in whole.items()}
    areas = {label: found.pop(f"auc {label}") for label in labels}
    return {**found, "auc": areas}


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


def auc(weights: Floats, said: Floats, truths: Floats) -> Floats:
    """Areas under the ROC curve of resamples; NaN where one outcome is missing.

    Args:
        weights: how often each document is in them, array (resamples, documents).
    """
    if not len(said):
        return np.full(len(weights), np.nan)
    order = np.argsort(said, kind="stable")
    starts = np.flatnonzero(np.append(True, said[order][1:] > said[order][:-1]))
    drawn, right = weights[:, order], truths[order] == 1
    yes = np.add.reduceat(drawn * right, starts, axis=1)  # by value, from low to high
    no = np.add.reduceat(drawn * ~right, starts, axis=1)
    below = no.cumsum(axis=1) - no / 2
    return ratio((yes * below).sum(axis=1), yes.sum(axis=1) * no.sum(axis=1))
