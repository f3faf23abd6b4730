"""A task's block of scores.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.records.prediction import Prediction
from components.scoring.counts import count, end_to_end
from components.scoring.scores import of_counts, score
from components.tasks.base import Task


def block_of(
    task: Task,
    predictions: Sequence[Prediction],
    *,
    slice_keys: Sequence[str],
    resamples: int,
    seed: int,
    group_by: str | None = None,
) -> dict[str, Any]:
    """What there is to say about a model and a task.

    Returns:
        what `components.scoring.scores.score` returns, the kind as `task`, what the config says of
        it (`described`), its `unit`, the `place` in a Doc where its answers stand, `end_to_end`
        of kinds that have it, what the kind adds by name, and `intervals` of that.
    """
    scores = score(
        predictions,
        task.labels,
        slice_keys=slice_keys,
        resamples=resamples,
        seed=seed,
        group_by=group_by,
    )
    names = list(scores["labels"])
    added = task.extras(predictions, names)
    intervals = task.extra_intervals(
        predictions, names, resamples=resamples, seed=seed, group_by=group_by
    )
    return {
        "task": task.kind,
        "described": task.described.model_dump(),
        "unit": task.unit,
        "place": task.place,
        **scores,
        **added,
        **({"intervals": intervals} if intervals else {}),
        **unaided(predictions, names, resamples, seed, group_by),
    }


def unaided(
    predictions: Sequence[Prediction],
    labels: Sequence[str],
    resamples: int,
    seed: int,
    group_by: str | None,
) -> dict[str, Any]:
    """`end_to_end`: the scores where nothing was given away, for kinds that count both."""
    if not any(one.end_to_end for one in predictions):
        return {}
    counts = count(predictions, labels, group_by, end_to_end)
    return {"end_to_end": of_counts(counts, resamples, seed)}
