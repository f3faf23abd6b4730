"""What classes add to the scores."""

from __future__ import annotations

import numpy as np
import pytest
import spacy
from spacy.scorer import Scorer
from spacy.training import Example

from components.records.prediction import Prediction
from components.scoring.calibration import calibration, coverage
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings
from components.tasks.textcat.metrics import extras, macro, official, ranking

LABELS = ["A", "B", "C"]


def task(**own: object) -> Task:
    given = {"name": "topic", "kind": "textcat", "labels": LABELS, **own}
    return task_of(TaskSettings.model_validate(given))


def example(gold: dict[str, float], said: dict[str, float]) -> Example:
    nlp = spacy.blank("en")
    predicted, reference = nlp.make_doc("x y"), nlp.make_doc("x y")
    predicted.cats, reference.cats = said, gold
    return Example(predicted, reference)


def noted(kind: Task, *examples: Example) -> list[Prediction]:
    return [
        Prediction(
            id=str(number),
            text="",
            words=2,
            gold=kind.gold(one.reference),
            predicted=kind.predicted(one),
            scores=kind.scores(one),
            unknown=kind.unknown(one),
        )
        for number, one in enumerate(examples)
    ]


def truth(label: str) -> dict[str, float]:
    return {name: float(name == label) for name in LABELS}


CHANCES = [
    {"A": 0.7, "B": 0.2, "C": 0.1},
    {"A": 0.6, "B": 0.3, "C": 0.1},
    {"A": 0.2, "B": 0.5, "C": 0.3},
    {"A": 0.1, "B": 0.2, "C": 0.7},
]


def test_scores_are_spacys_where_spacy_means_the_same() -> None:
    kind = task()
    examples = [example(truth(label), said) for label, said in zip("ABBC", CHANCES, strict=True)]
    expected = Scorer.score_cats(examples, "cats", labels=LABELS, multi_label=False)
    actual = extras(noted(kind, *examples), LABELS, exclusive=True)
    assert actual["macro"]["f"] == pytest.approx(expected["cats_macro_f"])
    assert actual["exact"] == 0.75
    for label in LABELS:
        assert actual["ranking"][label]["auc"] == pytest.approx(
            expected["cats_auc_per_type"][label]
        )
    micro = official(examples, kind)
    assert micro is not None
    assert micro[""]["f"] == pytest.approx(0.75)


def test_the_mean_is_over_labels_that_annotators_gave() -> None:
    predictions = noted(task(), example(truth("A"), CHANCES[0]), example(truth("B"), CHANCES[2]))
    assert macro(predictions, LABELS) == {"p": 1.0, "r": 1.0, "f": 1.0, "labels": 2}


def test_a_rejected_label_is_no_truth() -> None:
    kind = task()
    rejected = [example({"A": 0.0}, CHANCES[0]), example({"A": 0.0}, CHANCES[3])]
    predictions = noted(kind, *rejected, example(truth("B"), CHANCES[2]))
    scores = extras(predictions, LABELS, exclusive=True)
    assert scores["rejected"] == {"documents": 2, "predicted": 1}
    assert scores["macro"] == {"p": 1.0, "r": 1.0, "f": 1.0, "labels": 1}
    assert official(rejected, kind) is None


def test_of_any_of_several_only_known_labels_are_scored() -> None:
    kind = task(exclusive=False)
    said = {"A": 0.9, "B": 0.9, "C": 0.1}
    (prediction,) = noted(kind, example({"A": 1.0, "C": 0.0}, said))
    assert (prediction.gold, prediction.predicted, prediction.unknown) == (["A"], ["A"], ["B"])
    scores = extras([prediction], LABELS, exclusive=False)
    assert scores["exact"] is None
    assert scores["brier"] == pytest.approx((0.1**2 + 0.1**2) / 2)


def test_ranking_counts_equal_chances_half() -> None:
    said, truths = np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    assert ranking(said, truths) == {
        "auc": pytest.approx(0.875),
        "average_precision": pytest.approx((1 + 2 / 3) / 2),
    }
    assert ranking(said, np.ones(4)) == {"auc": None, "average_precision": None}


def test_calibration_is_the_distance_from_the_diagonal() -> None:
    sure, right = np.array([0.95, 0.95, 0.55, 0.55]), np.array([1.0, 1.0, 1.0, 0.0])
    scores = calibration(sure, right)
    assert scores["ece"] == pytest.approx(0.05)
    assert scores["coverage_at_95"] == 0.5
    assert calibration(np.zeros(0), np.zeros(0)) == {
        "diagram": [],
        "ece": None,
        "ece_by_chance": None,
        "coverage_at_95": None,
    }


def test_coverage_does_not_part_answers_that_are_as_sure() -> None:
    assert coverage(np.full(4, 0.9), np.array([1.0, 1.0, 1.0, 0.0]), 0.95) == 0.0
    assert coverage(np.full(4, 0.9), np.array([1.0, 1.0, 1.0, 0.0]), 0.75) == 1.0


def test_true_probabilities_have_the_calibration_error_of_chance() -> None:
    draw = np.random.default_rng(1)
    errors = []
    for _ in range(50):
        confidence = draw.uniform(0.3, 1, 1000)
        right = (draw.random(1000) < confidence).astype(float)
        errors.append(calibration(confidence, right)["ece"])
    expected = calibration(confidence, right)["ece_by_chance"]
    assert np.mean(errors) == pytest.approx(expected, rel=0.1)
