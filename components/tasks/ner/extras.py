"""What entities add to the scores: tokenisation, less strict matches, which label for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from components.records.prediction import Prediction
from components.records.record import spans_in
from components.scoring.counts import MISSED, RIGHT, count, numbers
from components.tasks.ner.pairs import Alike, meet, pair

NONE = "(none)"


def tokenisation(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Gold entities that the model cannot get right, for its tokens end elsewhere.

    They are in all scores, as missed: leaving them out, as a corpus made with `char_span` does,
    would hide them.

    Returns:
        `unalignable`: how many, their `fraction` of all gold entities, and the scores
        `without` them.
    """
    totals = count(predictions, ()).table.sum(axis=(0, 1))
    unalignable = sum(prediction.unalignable for prediction in predictions)
    support = int(totals[RIGHT] + totals[MISSED])
    return {
        "unalignable": unalignable,
        "fraction": unalignable / support if support else None,
        "without": numbers(totals - np.array([0, 0, unalignable])),
    }


def matches(predictions: Iterable[Prediction]) -> dict[str, dict[str, float | None]]:
    """Scores when less than label and both ends must be right (as in SemEval 2013, task 9.1).

    Returns:
        `exact`: the ends alone; `partial`: an overlap, worth one half if the ends differ;
        `type`: an overlap with the right label.
    """
    credits = {"exact": 0.0, "partial": 0.0, "type": 0.0}
    gold = predicted = 0
    for prediction in predictions:
        gold += len(prediction.gold)
        predicted += len(prediction.predicted)
        for one, other in pair(spans_in(prediction.gold), spans_in(prediction.predicted)):
            if one and other:
                same_ends = (one.start, one.end) == (other.start, other.end)
                credits["exact"] += same_ends
                credits["partial"] += 1 if same_ends else 0.5
                credits["type"] += one.label == other.label
    return {
        name: numbers(np.array([credit, predicted - credit, gold - credit]))
        for name, credit in credits.items()
    }


def confusion(
    predictions: Iterable[Prediction], labels: Sequence[str], alike: Alike = meet
) -> dict[str, Any]:
    """Which label was predicted where which was marked.

    Args:
        alike: which two are in one place; by default an overlap counts, whatever its ends.

    Returns:
        `labels`, the last of them "(none)", and `rows`: gold labels by predicted labels.
    """
    pairs = Counter(
        (one.label if one else NONE, other.label if other else NONE)
        for prediction in predictions
        for one, other in pair(spans_in(prediction.gold), spans_in(prediction.predicted), alike)
    )
    names = [*labels, NONE]
    return {"labels": names, "rows": [[pairs[row, column] for column in names] for row in names]}
