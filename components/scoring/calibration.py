"""How far a model's confidence can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 15


def diagram(confidence: Floats, right: Floats, bins: int = BINS) -> list[dict[str, float]]:
    """The reliability diagram: bins of equal width that hold something, from low to high.

    Args:
        confidence: of each answer, 0 to 1.
        right: 1 where the answer was right, else 0.

    Returns:
        per bin: how many `answers`, their mean `confidence` and the `right` part of them.
    """
    place = bins_of(confidence, bins)
    return [
        {
            "answers": int(inside.sum()),
            "confidence": float(confidence[inside].mean()),
            "right": float(right[inside].mean()),
        }
        for inside in (place == number for number in range(bins))
        if inside.any()
    ]


def bins_of(confidence: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """The number of the bin of each answer."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def expected_calibration_error(of_bins: list[dict[str, float]]) -> float | None:
    """The mean distance between confidence and accuracy over a diagram; None for an empty one."""
    total = sum(one["answers"] for one in of_bins)
    if not total:
        return None
    return sum(one["answers"] * abs(one["confidence"] - one["right"]) for one in of_bins) / total


def coverage(confidence: Floats, right: Floats, precision: float) -> float | None:
    """The largest part of the answers, surest first, that is right in `precision` of the cases.

    None where there is no answer.
    """
    if not len(right):
        return None
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    reached = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    # A threshold takes all answers that are as sure: only the last of equals may end the part.
    last = np.append(ordered[1:] < ordered[:-1], True)
    enough = np.flatnonzero((reached >= precision) & last)
    return float((enough[-1] + 1) / len(right)) if len(enough) else 0.0


def error_by_chance(confidence: Floats) -> float | None:
    """The calibration error to expect of so many answers if every probability were true.

    In a bin the right answers are then a sum of independent draws, whose distance from the mean is
    about that of a normal distribution.
    """
    if not len(confidence):
        return None
    variances = np.bincount(bins_of(confidence), weights=confidence * (1 - confidence))
    return float(np.sqrt(2 / np.pi * variances).sum() / len(confidence))


def calibration(confidence: Floats, right: Floats) -> dict[str, Any]:
    """Diagram, calibration error (and what chance makes of it), coverage at 95 % precision."""
    bins = diagram(confidence, right)
    return {
        "diagram": bins,
        "ece": expected_calibration_error(bins),
        "ece_by_chance": error_by_chance(confidence),
        "coverage_at_95": coverage(confidence, right, 0.95),
    }
