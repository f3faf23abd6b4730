"""The scores of a model for one task on a test set, as JSON; docs/evaluation.md explains them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.records.prediction import Prediction
from components.scoring.counts import MISSED, RIGHT, Counts, count, numbers, prf
from components.scoring.intervals import percentiles, resample, score_intervals
from components.scoring.slices import slices


def score(
    predictions: Sequence[Prediction],
    labels: Sequence[str],
    *,
    slice_keys: Sequence[str],
    resamples: int,
    seed: int,
    group_by: str | None = None,
) -> dict[str, Any]:
    """Return what there is to say about one model and one task, whatever its kind.

    Args:
        labels: labels to report even if they never occur.
        group_by: key of meta whose documents of one value are drawn together for intervals.

    Returns:
        `documents`, `words`, `overall`, `labels`, `macro_interval` (95 % interval of the mean F
        over the labels that occur in gold) and `slices`. Scores are fractions; null where they are
        undefined.
    """
    counts = count(predictions, labels, group_by)
    return {
        "documents": len(counts.documents),
        "words": sum(prediction.words for prediction in predictions),
        **of_counts(counts, resamples, seed),
        "slices": {
            name: {
                value: {
                    "documents": int(rows.sum()),
                    **described(*of_rows(counts, rows, resamples, seed)),
                }
                for value, rows in values.items()
            }
            for name, values in slices(predictions, counts.documents, slice_keys).items()
        },
    }


def of_counts(counts: Counts, resamples: int, seed: int) -> dict[str, Any]:
    """`overall`, `labels` and `macro_interval` of counts; see `score`."""
    sums = resample(counts.by_group(counts.table), resamples, seed)
    totals = counts.table.sum(axis=0)
    return {
        "overall": described(totals.sum(axis=0), sums.sum(axis=1)),
        "labels": {
            label: described(totals[place], sums[:, place])
            for place, label in enumerate(counts.labels)
        },
        "macro_interval": macro_interval(totals, sums),
    }


def macro_interval(
    totals: NDArray[np.int64], sums: NDArray[np.float64]
) -> tuple[float, float] | None:
    """The middle 95 % of the mean F over labels with support, from the resampled counts.

    Args:
        totals: counts by label, array (labels, 3); `sums` the same, (resamples, labels, 3).
    """
    supported = totals[:, RIGHT] + totals[:, MISSED] > 0
    each = prf(sums[:, supported])[:, :, 2]
    defined = ~np.isnan(each)
    # A label that a resample has none of has no F in it.
    means = np.nansum(each, axis=1) / np.where(defined.any(axis=1), defined.sum(axis=1), np.nan)
    return percentiles(means) if supported.any() else None


def of_rows(
    counts: Counts, rows: NDArray[np.bool_], resamples: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Totals over all labels of some documents, and the same resampled."""
    chosen = counts.table.sum(axis=1) * rows[:, np.newaxis]
    groups = np.unique(counts.groups[rows])
    return chosen.sum(axis=0), resample(counts.by_group(chosen)[groups], resamples, seed)


def described(counts: NDArray[np.int64], sums: NDArray[np.float64]) -> dict[str, Any]:
    """Scores, support and intervals from counts, array (3,), and their resamples."""
    right, spurious, missed = (int(number) for number in counts)
    return {
        **numbers(counts),
        "support": right + missed,
        "predicted": right + spurious,
        "interval": score_intervals(counts, sums),
    }


def agrees(block: Mapping[str, Any], official: Mapping[str, Mapping[str, float | None]]) -> bool:
    """Whether our overall and per-label scores are those of spaCy's scorer.

    Args:
        official: label, or "" for all -> `p`, `r` and `f`.
    """
    scored = {"": block["overall"], **block["labels"]}
    return all(
        close(scored.get(name, {}).get(key), value)
        for name, values in official.items()
        for key, value in values.items()
    )


def close(one: float | None, other: float | None) -> bool:
    """Whether two scores are equal, up to the order of additions; undefined equals undefined."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-9)
