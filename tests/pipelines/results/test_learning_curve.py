"""The learning curve: its spec, its advice, its page. The stages in it have their own tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.errors import ConfigError
from components.records.prediction import Prediction
from components.records.record import Span
from components.scoring.compare import compare
from components.scoring.counts import count
from components.scoring.scores import score
from pipelines.config.load import load
from pipelines.dag.learning_curve import curve_spec
from pipelines.local.runner.listeners import Nobody
from pipelines.results.learning_curve import Point, advise, run_curve, write_page

ROOT = Path(__file__).parents[3]
LABELS = ["ORG", "DATE", "RARE"]


def point(percent: int, recalls: dict[str, float]) -> Point:
    """A point at which this part of each label's entities was found, in 200 documents."""
    predictions = []
    for number in range(200):
        gold = [Span(0, 3, "ORG"), Span(4, 7, "DATE")]
        if number < 4:
            gold.append(Span(8, 9, "RARE"))
        # Each label is missed in documents of its own, spread evenly.
        predicted = [
            span
            for place, span in enumerate(gold)
            if (number * 37 + place * 61) % 200 < 200 * recalls[span.label]
        ]
        predictions.append(Prediction(f"{number}", "x" * 9, 3, gold, predicted))
    scores = score(predictions, LABELS, slice_keys=[], resamples=100, seed=0)
    return Point(percent, 10 * percent, {"ner": scores}, predictions)


def curve(*points: dict[str, float]) -> list[Point]:
    return [point(25 * place, recalls) for place, recalls in enumerate(points, start=1)]


def test_advice_says_which_labels_would_gain() -> None:
    advice = advise(
        curve(
            {"ORG": 0.3, "DATE": 0.9, "RARE": 0.5},
            {"ORG": 0.5, "DATE": 0.9, "RARE": 0.5},
            {"ORG": 0.8, "DATE": 0.9, "RARE": 1.0},
        )
    )
    answers = {one.label: one.answer for one in advice}
    assert answers == {"overall": "yes", "ORG": "yes", "DATE": "hardly", "RARE": "unknown"}
    assert "since 50 % of the documents" in advice[1].text


def test_advice_keeps_to_the_settings_of_the_phase() -> None:
    low, high = curve({"ORG": 0.5, "DATE": 0.9, "RARE": 0.5}, {"ORG": 0.6, "DATE": 0.9, "RARE": 1})
    high.blocks["ner"]["settings"] = {"resamples": 100, "seed": 7}
    counts = [count(point.predictions, LABELS) for point in (high, low)]
    expected = compare(counts[0], counts[1], LABELS, resamples=100, seed=7)
    assert advise([low, high])[0].interval == expected["overall"]["interval"]


def test_a_dip_that_is_made_good_is_no_gain() -> None:
    advice = advise(
        curve(
            {"ORG": 0.9, "DATE": 0.9, "RARE": 1.0},
            {"ORG": 0.6, "DATE": 0.9, "RARE": 1.0},
            {"ORG": 0.9, "DATE": 0.9, "RARE": 1.0},
        )
    )
    assert {one.label: one.answer for one in advice}["ORG"] == "hardly"


def test_a_training_that_failed_gives_no_advice() -> None:
    fell = advise(
        curve({"ORG": 0.9, "DATE": 0.9, "RARE": 1.0}, {"ORG": 0.3, "DATE": 0.0, "RARE": 1.0})
    )
    answers = {one.label: one.answer for one in fell}
    assert (answers["ORG"], answers["DATE"]) == ("unknown", "unknown")
    assert "too short or too unsteady" in fell[1].text


def test_a_gain_within_the_noise_is_only_perhaps() -> None:
    advice = advise(
        curve({"ORG": 0.8, "DATE": 0.9, "RARE": 1.0}, {"ORG": 0.82, "DATE": 0.9, "RARE": 1.0})
    )
    assert {one.label: one.answer for one in advice}["ORG"] in ("perhaps", "yes")
    assert advice[1].gain == pytest.approx(0.012, abs=0.01)


def test_the_page_answers_first(tmp_path: Path) -> None:
    points = curve({"ORG": 0.3, "DATE": 0.9, "RARE": 1}, {"ORG": 0.8, "DATE": 0.9, "RARE": 1})
    html = write_page(tmp_path, "phase-1", points, advise(points)).read_text(encoding="utf-8")
    body = html[html.index("<main") :]
    assert "More annotations will very likely help" in body[: body.index("<h2")]
    assert body.count("<svg") == 2


def test_the_spec_has_a_branch_per_share() -> None:
    loaded = load(ROOT / "configs/sample.yaml")
    spec = curve_spec(loaded, "phase-1", [50, 100])
    assert set(spec["root"]["dag"]["tasks"]) == {"share-50", "share-100"}
    assert json.dumps(spec) == json.dumps(curve_spec(loaded, "phase-1", [50, 100]))


@pytest.mark.parametrize(
    ("phase", "percents", "wrong"),
    [("phase-9", [50, 100], "phase-9"), ("phase-1", [100], "twice"), ("phase-1", [0, 50], "1 to")],
)
def test_wrong_questions_are_refused(
    phase: str, percents: list[int], wrong: str, tmp_path: Path
) -> None:
    loaded = load(ROOT / "configs/sample.yaml")
    with pytest.raises(ConfigError, match=wrong):
        run_curve(loaded, phase, percents, workers=1, out=tmp_path, view=Nobody())
    assert list(tmp_path.iterdir()) == []
