"""The floor learns what annotators said, and is scored as a model is."""

from __future__ import annotations

import random

import pytest
import spacy
from spacy.tokens import Doc

from components.records.prediction import Prediction
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings

NLP = spacy.blank("en")
WORDS = {
    "TAX": "pay refund wages",
    "VISA": "border passport entry",
    "RENT": "landlord deposit flat",
}


def task(*labels: str, exclusive: bool = True) -> Task:
    return task_of(
        TaskSettings.model_validate(
            {"name": "t", "kind": "textcat", "labels": list(labels), "exclusive": exclusive}
        )
    )


def doc(text: str, **cats: float) -> Doc:
    made = NLP.make_doc(text)
    made.cats = dict(cats)
    return made


def asked(text: str, gold: list[str], unknown: list[str] | None = None) -> Prediction:
    return Prediction(
        id=text, text=text, words=3, gold=list(gold), predicted=[], unknown=unknown or [], task="t"
    )


def text(draw: random.Random, *labels: str) -> str:
    return " ".join(word for label in labels for word in draw.sample(WORDS[label].split(), 2))


def test_one_of_several_is_learnt_from_rejected_labels_too() -> None:
    draw = random.Random(0)
    train = []
    for number in range(90):
        right = draw.choice(["TAX", "VISA"])
        known = {one: float(one == right) for one in ("TAX", "VISA", "RENT")}
        train.append(doc(text(draw, right), **(known if number % 3 else {"RENT": 0.0})))
    found = task("TAX", "VISA", "RENT").floor(
        train,
        [],
        [asked("refund and wages", ["TAX"]), asked("the border", []), asked("entry", ["VISA"])],
    )
    assert found is not None
    # What annotators only said not to be right is in no score.
    assert [one.predicted for one in found] == [["TAX"], [], ["VISA"]]
    assert sum(found[0].scores.values()) == pytest.approx(1)
    # Nobody ever said RENT.
    assert found[0].scores["RENT"] == 0


def test_labels_that_nobody_knows_are_neither_learnt_nor_scored() -> None:
    draw = random.Random(1)
    train = [doc(text(draw, "TAX"), TAX=1.0) for _ in range(20)]
    train += [doc(text(draw, "VISA"), TAX=0.0, VISA=1.0) for _ in range(20)]
    train += [doc(text(draw, "RENT"), TAX=0.0, VISA=0.0) for _ in range(20)]
    found = task("TAX", "VISA", exclusive=False).floor(
        train, train, [asked("refund", ["TAX"], ["VISA"]), asked("border passport", ["VISA"])]
    )
    assert found is not None
    assert [one.predicted for one in found] == [["TAX"], ["VISA"]]
    assert found[0].unknown == ["VISA"]


def test_thresholds_of_the_floor_are_chosen_on_dev_alone() -> None:
    """Test documents that all say yes do not move what the floor says of a doubtful one."""
    draw = random.Random(2)
    train = [doc(text(draw, "TAX"), TAX=1.0) for _ in range(20)]
    train += [doc(text(draw, "VISA"), TAX=0.0) for _ in range(20)]
    dev = [doc("pay passport", TAX=0.0)] * 30 + [doc("pay refund", TAX=1.0)] * 30
    yes_or_no = task("TAX", exclusive=False)
    for gold in ([], ["TAX"]):
        found = yes_or_no.floor(train, dev, [asked("pay passport", gold)] * 40)
        assert found is not None
        assert {tuple(one.predicted) for one in found} == {()}
    assert yes_or_no.thresholds == {}  # type: ignore[attr-defined]


def test_a_task_of_entities_has_none() -> None:
    entities = task_of(TaskSettings(name="e", labels=["A"]))

    def unread() -> object:
        raise AssertionError("its corpora need not be read")
        yield

    assert entities.floor(unread(), unread(), []) is None  # type: ignore[arg-type]
