"""What statuses add to the scores: means over statuses, which for which, and mixed texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.records.prediction import Prediction
from components.records.record import label_of
from components.scoring.counts import count, numbers
from components.tasks.ner.extras import confusion
from components.tasks.textcat.metrics import macro


def extras(predictions: Sequence[Prediction], labels: Sequence[str]) -> dict[str, Any]:
    """See `components.tasks.base.Task.extras`.

    Returns:
        `macro`: means over the statuses that occur; `confusion`; and `mixed`: documents whose
        entities are of several statuses, where to read the text without looking at the entity does
        not help, with their scores.
    """
    mixed = [one for one in predictions if len(set(map(label_of, one.gold))) > 1]
    return {
        "macro": macro(predictions, labels),
        "confusion": confusion(predictions, labels),
        "mixed": {
            "documents": len({one.id for one in mixed}),
            **numbers(count(mixed, labels).table.sum(axis=(0, 1))),
        },
    }
