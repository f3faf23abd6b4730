"""The temperature of a softmax: how much less sure than it says a model should be.

Guo et al. 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 100  # documents of dev under which a temperature says more of chance than of the model


def too_few(documents: int) -> dict[str, Any]:
    """What is remembered where so many documents of dev are too few to calibrate."""
    reason = f"dev holds {documents} documents with an answer; {FEWEST} are needed"
    return {"documents": documents, "not_calibrated": reason}


def temperature(logits: Floats, truths: Floats) -> float:
    """The temperature of least loss, between 1/20 and 20.

    Args:
        logits: (documents, labels); any number may be added to a row.
        truths: (documents, labels): 1, 0, or NaN where it is not known.
    """
    right = truths == 1
    possible = np.where(right.any(axis=1, keepdims=True), right, truths != 0)
    possible |= ~possible.any(axis=1, keepdims=True)

    def loss(log_heat: float) -> float:
        scaled = logits / np.exp(log_heat)
        scaled -= scaled.max(axis=1, keepdims=True)
        exponents = np.exp(scaled)
        inside = np.where(possible, exponents, 0).sum(axis=1)
        return float(-np.log(np.maximum(inside / exponents.sum(axis=1), 1e-300)).mean())

    return float(np.exp(least(loss, -np.log(20), np.log(20))))


def least(function: Any, low: float, high: float, steps: int = 60) -> float:
    """Where a function with one valley is lowest, by golden section."""
    ratio = (np.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(steps):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2
