"""Calibration of text classifiers on dev, folded into their weights.

One of several: one temperature T.
Any of several: a slope and an offset per label (Platt 1999), shared where a label is rare. Both are
linear in what goes into the last activation, so that W and b of the last layer take them in, and
the saved pipeline needs nothing of ours to be calibrated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.training import Example

from components.tasks.temperature import FEWEST, temperature, too_few
from components.tasks.textcat.losses import truths_of

Floats = NDArray[np.float64]
FEWEST_OF_LABEL = 20  # positives and negatives of a label under which it shares slope and offset
TINY = 1e-9


def calibrate(pipe: TextCategorizer, examples: Iterable[Example]) -> dict[str, Any]:
    """Calibrate one classifier on documents that it has predicted.

    Returns:
        `documents` that say something, and `temperature` or, per label, `slope` and `offset`; or
        `not_calibrated`: why.
    """
    labels = list(pipe.labels)
    pairs = [
        (one.predicted.cats, one.reference.cats)
        for one in examples
        if any(label in one.reference.cats for label in labels)
    ]
    if len(pairs) < FEWEST:
        return too_few(len(pairs))
    said = np.array([[scores[label] for label in labels] for scores, _ in pairs], np.float64)
    truths = truths_of([cats for _, cats in pairs], labels).astype(np.float64)
    said = np.clip(said, TINY, 1 - TINY)
    if isinstance(pipe, MultiLabel_TextCategorizer):
        slopes, offsets = platt_per_label(np.log(said / (1 - said)), truths)
        fold(pipe, slopes, offsets)
        fitted: dict[str, Any] = {
            label: {"slope": float(slope), "offset": float(offset)}
            for label, slope, offset in zip(labels, slopes, offsets, strict=True)
        }
        return {"documents": len(pairs), "labels": fitted}
    heat = temperature(np.log(said), truths)
    fold(pipe, np.full(len(labels), 1 / heat), np.zeros(len(labels)))
    return {"documents": len(pairs), "temperature": heat}


def calibrated_scores(said: Floats, labels: Sequence[str], result: Mapping[str, Any]) -> Floats:
    """What a classifier of labels that do not exclude each other says once it is calibrated.

    Args:
        said: probabilities before, (documents, labels).
        result: of `calibrate`.
    """
    if "labels" not in result:
        return said
    slopes, offsets = (
        np.array([result["labels"][label][name] for label in labels])
        for name in ("slope", "offset")
    )
    said = np.clip(said, TINY, 1 - TINY)
    scores: Floats = 1 / (1 + np.exp(-(slopes * np.log(said / (1 - said)) + offsets)))
    return scores


def platt_per_label(logits: Floats, truths: Floats) -> tuple[Floats, Floats]:
    """Slopes and offsets, arrays (labels,); rare labels get those of all labels together."""
    known = ~np.isnan(truths)
    shared = platt(logits[known], truths[known])
    slopes, offsets = (np.full(logits.shape[1], number) for number in shared)
    for label in range(logits.shape[1]):
        rows = known[:, label]
        yes = int(np.nansum(truths[:, label]))
        if min(yes, int(rows.sum()) - yes) >= FEWEST_OF_LABEL:
            slopes[label], offsets[label] = platt(logits[rows, label], truths[rows, label])
    return slopes, offsets


def platt(logits: Floats, truths: Floats) -> tuple[float, float]:
    """Slope and offset of least log loss, by Newton's method; 1 and 0 without two outcomes.

    Targets are Platt's, which keep a set that is separated from a slope without end.
    """
    yes, no = truths.sum(), (1 - truths).sum()
    if not yes or not no:
        return 1.0, 0.0
    targets = np.where(truths == 1, (yes + 1) / (yes + 2), 1 / (no + 2))
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -500, 500)))
        slope = inputs.T @ (chance - targets) + 1e-3 * (weights - [1, 0])
        bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        weights = weights - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    # A falling curve would turn the model's answer round: then it knows nothing, and keeps it.
    return (float(weights[0]), float(weights[1])) if weights[0] > 0 else (1.0, 0.0)


def fold(pipe: TextCategorizer, slopes: Floats, offsets: Floats) -> None:
    """Multiply and shift what goes into the last activation, label by label."""
    layer: Any = pipe.model.get_ref("output_layer")
    ops: Any = layer.ops
    slope = ops.asarray1f(slopes.astype(np.float32))
    layer.set_param("W", layer.get_param("W") * slope[:, None])
    layer.set_param("b", layer.get_param("b") * slope + ops.asarray1f(offsets.astype(np.float32)))
