"""Thresholds are chosen on dev, by F or by a precision."""

from __future__ import annotations

import numpy as np
import pytest
import spacy
from pydantic import ValidationError
from spacy.training import Example

from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.tasks.textcat import TextcatSettings
from components.tasks.textcat.training import (
    best,
    says_always_the_same,
    thresholds,
    warn_of_low_precision,
)


def column(right: list[float], wrong: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of documents that have a label and of some that have not; and the truth."""
    said = np.array([*right, *wrong])[:, None]
    return said, np.array([1.0] * len(right) + [0.0] * len(wrong))[:, None]


def test_the_middle_of_the_thresholds_of_highest_f_is_taken() -> None:
    said, truths = column([0.7] * 10 + [0.9] * 10, [0.3] * 30)
    assert best(said, truths) == pytest.approx(0.5, abs=0.02)


def test_a_label_that_is_hard_to_tell_is_drawn_to_half_of_its_f() -> None:
    """Of a rare label that is never surer than 0.3, a threshold of a half says nothing."""
    said, truths = column([0.3] * 6, [0.3] * 12 + [0.05] * 100)
    chosen = thresholds(said, truths, ["A"])["A"]
    assert 0.05 < chosen <= 0.3


def test_the_highest_f_of_few_documents_is_drawn_to_half_of_it() -> None:
    said, truths = column([0.9] * 5, [0.3] * 20 + [0.8] * 10)
    own = best(said, truths)
    chosen = thresholds(said, truths, ["A"])["A"]
    assert 0.5 < chosen < own
    many = thresholds(np.tile(said, (100, 1)), np.tile(truths, (100, 1)), ["A"])["A"]
    assert many == pytest.approx(own, abs=0.02)


def test_a_precision_is_reached_with_as_much_recall_as_can_be() -> None:
    # From 0.8 up 30 of 30 are right, from 0.5 up 60 of 70, from 0.2 up 80 of 150.
    said, truths = column([0.9] * 30 + [0.6] * 30 + [0.3] * 20, [0.6] * 10 + [0.3] * 60)
    assert 0.6 < best(said, truths, 0.9) <= 0.9
    assert 0.3 < best(said, truths, 0.85) <= 0.6
    assert best(said, truths, 0.5) <= 0.3
    # Highest F is elsewhere.
    assert 0.3 < best(said, truths) <= 0.6


def test_unknown_labels_move_no_threshold() -> None:
    said, truths = column([0.9] * 30, [0.2] * 30)
    more = np.vstack([said, np.full((50, 1), 0.95)])
    unknown = np.vstack([truths, np.full((50, 1), np.nan)])
    assert best(more, unknown, 0.9) == best(said, truths, 0.9)


def test_few_positives_share_a_threshold_and_many_keep_their_precision() -> None:
    rng = np.random.default_rng(0)
    many, truth = column(list(rng.uniform(0.5, 1, 200)), list(rng.uniform(0, 0.8, 200)))
    few = np.vstack([np.full((4, 1), 0.15), np.full((396, 1), 0.01)])
    of_few = np.array([1.0] * 4 + [0.0] * 396)[:, None]
    said, truths = np.hstack([many, few]), np.hstack([truth, of_few])
    chosen = thresholds(said, truths, ["MANY", "FEW"], 0.95)
    yes = many[:, 0] >= chosen["MANY"]
    assert truth[yes, 0].mean() >= 0.95
    own = best(few, of_few, 0.95)
    assert own < chosen["FEW"] < chosen["MANY"]
    assert thresholds(said, np.full_like(truths, np.nan), ["MANY", "FEW"], 0.95) == {}


def test_a_precision_that_none_reaches_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    said, truths = column([0.6] * 30, [0.6] * 30)
    chosen = thresholds(said, truths, ["URGENT"], 0.9)
    warn_of_low_precision(said, truths, chosen, 0.9)
    assert "URGENT has a precision of 0.50 on dev, not 0.90" in capsys.readouterr().out


def test_only_tasks_with_thresholds_have_a_precision() -> None:
    settings = {"name": "t", "kind": "textcat", "labels": ["A", "B"], "precision": 0.9}
    assert TextcatSettings.model_validate({**settings, "exclusive": False}).precision == 0.9
    with pytest.raises(ValidationError, match="exclusive: false"):
        TextcatSettings.model_validate(settings)


def test_what_test_documents_are_moves_no_threshold() -> None:
    """A model's thresholds are those that its training kept, whatever annotators say of test."""
    nlp = spacy.blank("en")
    nlp.meta["retrain"] = {"t": {"component": "classes", "thresholds": {"A": 0.7}}}
    settings = {"name": "t", "kind": "textcat", "labels": ["A", "B"], "exclusive": False}
    task = task_of(TaskSettings.model_validate(settings)).for_model(nlp)
    for gold in (0.0, 1.0):
        said, reference = nlp.make_doc("text"), nlp.make_doc("text")
        said.cats, reference.cats = {"A": 0.69, "B": 0.5}, {"A": gold, "B": gold}
        assert task.predicted(Example(said, reference)) == ["B"]


@pytest.mark.parametrize(
    ("chances", "same"),
    [
        ([0.65] * 30, True),
        ([0.65, 0.652] * 15, True),
        ([0.65] * 28 + [0.5, 0.8], False),
        ([0.65] * 5, False),  # too few to tell
    ],
)
def test_a_model_that_says_the_same_of_every_text_is_known(
    chances: list[float], same: bool
) -> None:
    said = [{"A": chance, "B": 1 - chance, "another": 0.5} for chance in chances]
    assert says_always_the_same(said, ["A", "B"]) == same
