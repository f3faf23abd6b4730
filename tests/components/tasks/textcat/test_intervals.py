"""Intervals of what probabilities are scored by are those of scoring each drawn test set."""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np
import pytest

from components.records.prediction import Prediction
from components.scoring.intervals import draws, percentiles
from components.tasks.textcat.intervals import intervals
from components.tasks.textcat.metrics import extras

LABELS = ["TAX", "VISA", "RENT"]
RESAMPLES = 200


def predictions(exclusive: bool) -> list[Prediction]:
    """Documents with equal probabilities among them, some known in part."""
    draw = random.Random(3)
    made = []
    for number in range(60):
        raw = [draw.choice([0.1, 0.2, 0.4, 0.8]) for _ in LABELS]
        scores = {one: value / sum(raw) for one, value in zip(LABELS, raw, strict=True)}
        right = draw.choices(LABELS, raw)[0]
        unsaid = number % 9 == 0
        gold = [] if unsaid and exclusive else [right]
        unknown = [one for one in LABELS if one != right][unsaid - 1 :] if unsaid else []
        said = [one for one in LABELS if scores[one] > 0.4 and one not in unknown]
        made.append(
            Prediction(
                id=str(number),
                text="",
                words=1,
                gold=list(gold),
                predicted=[max(LABELS, key=scores.__getitem__)] if exclusive else list(said),
                scores=scores,
                unknown=unknown,
                meta={"page": number // 4},
            )
        )
    return made


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("group_by", [None, "meta.page"])
def test_they_are_those_of_every_set_that_is_drawn(exclusive: bool, group_by: str | None) -> None:
    given = predictions(exclusive)
    found = intervals(
        given, LABELS, exclusive=exclusive, resamples=RESAMPLES, seed=5, group_by=group_by
    )
    size = 4 if group_by else 1
    several: dict[str, list[float]] = defaultdict(list)
    for times in np.concatenate(list(draws(len(given) // size, RESAMPLES, 5))):
        drawn = [one for row, one in enumerate(given) for _ in range(times[row // size])]
        scores = extras(drawn, LABELS, exclusive=exclusive)
        several["brier"].append(scores["brier"])
        several["ece"].append(scores["calibration"]["ece"])
        several["coverage_at_95"].append(scores["calibration"]["coverage_at_95"])
        several["exact"].append(scores["exact"])
        for name in ("auc", "average_precision"):
            several[name].append(scores["ranking"]["VISA"][name])
    for name in ("exact", "brier", "coverage_at_95"):
        assert found[name] == pytest.approx(percentiles(np.array(several[name])))
    for name in ("auc", "average_precision"):
        assert found[name]["VISA"] == pytest.approx(percentiles(np.array(several[name])))
    # Chance makes a calibration error of its own, and is taken off.
    point = extras(given, LABELS, exclusive=exclusive)["calibration"]["ece"]
    errors = np.array(several["ece"])
    moved = np.maximum(0, errors - (errors.mean() - point))
    assert errors.mean() > point
    assert found["ece"] == pytest.approx(percentiles(moved))
    assert found["ece"][0] < point < found["ece"][1]


def test_nothing_has_no_intervals() -> None:
    assert intervals([], LABELS, exclusive=True, resamples=9, seed=0, group_by=None) == {}
