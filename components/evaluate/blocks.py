"""The blocks of scores.json, held against spaCy's own scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from components.errors import DataError
from components.evaluate.run import Run
from components.evaluate.seen import without
from components.evaluate.settings import EvaluateSettings
from components.scoring.scores import agrees
from components.tasks.base import Task
from components.tasks.scores import block_of

ALL_SEEN = "the model in production was trained on all test documents"
Seen = Mapping[str, set[str] | None]  # task -> documents; None: nobody knows
Blocks = dict[str, dict[str, Any]]  # task -> its block of scores.json


def scores_of(
    new: Run, tasks: Sequence[Task], settings: EvaluateSettings, left_out: Seen
) -> Blocks:
    """Score a run, task by task, and hold the result against spaCy's own.

    Args:
        left_out: documents that do not count, since the model was trained on them.

    Raises:
        DataError: no document is left.
    """
    scored = partial(
        block_of,
        slice_keys=settings.slices,
        resamples=settings.resamples,
        seed=settings.seed,
        group_by=settings.group_by,
    )
    blocks = {}
    for task in (new.tasks[one.name] for one in tasks):
        predictions, official = new.predictions[task.name], new.official[task.name]
        block = scored(task, predictions)
        if official is not None and not agrees(block, official):
            raise RuntimeError(f"our scores differ from those of spaCy's scorer: {official}")
        if ids := left_out.get(task.name):
            rest = without(predictions, ids)
            if not rest:
                raise DataError(f"{ALL_SEEN}. Set train.init to base, or hold other documents out.")
            block = scored(task, rest)
        blocks[task.name] = {
            **block,
            "words_per_second": new.words_per_second,
            "model_labels": list(new.labels[task.name]),
            "settings": settings.model_dump(),
        }
    return blocks
