"""A task's block of scores.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.records.prediction import Prediction
from components.scoring.scores import score
from components.tasks.base import Task


def block_of(
    task: Task,
    predictions: Sequence[Prediction],
    *,
    slice_keys: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """What there is to say about a model and a task.

    Returns:
        what `components.scoring.scores.score` returns, the kind as `task`, its `unit`, the `place`
        in a Doc where its answers stand, and what the kind adds by name.
    """
    scores = score(predictions, task.labels, slice_keys=slice_keys, resamples=resamples, seed=seed)
    extras = task.extras(predictions, list(scores["labels"]))
    return {"task": task.kind, "unit": task.unit, "place": task.place, **scores, **extras}
