from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from components.evaluate import console
from components.records.prediction import Prediction
from components.records.record import Span
from components.scoring.compare import compare
from components.scoring.counts import count, prf
from components.scoring.intervals import resample, score_intervals, wilson
from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.tasks.ner.extras import confusion, matches
from components.tasks.ner.pairs import disagreements, pair
from components.tasks.scores import block_of

ORG, GPE = Span(0, 5, "ORG"), Span(0, 5, "GPE")
WIDE, LATER = Span(0, 9, "ORG"), Span(20, 25, "ORG")


def document(gold: list[Span], predicted: list[Span], name: str = "d", **facts: Any) -> Prediction:
    return Prediction(id=name, text="x" * 40, words=8, gold=gold, predicted=predicted, **facts)


def scored(predictions: list[Prediction], labels: list[str] | None = None) -> dict[str, Any]:
    task = task_of(TaskSettings(name="ner", labels=labels or ["ORG", "GPE"]))
    return block_of(task, predictions, slice_keys=["doc_type"], resamples=200, seed=0)


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([ORG], [ORG], []),
        ([ORG], [], ["missed"]),
        ([], [ORG], ["spurious"]),
        ([ORG], [GPE], ["label"]),
        ([ORG], [WIDE], ["boundary"]),
        ([WIDE], [GPE], ["label"]),
        ([ORG, LATER], [LATER], ["missed"]),
        ([ORG], [LATER], ["missed", "spurious"]),
    ],
)
def test_every_difference_has_one_kind(
    gold: list[Span], predicted: list[Span], kinds: list[str]
) -> None:
    assert [one.kind for one in disagreements(gold, predicted)] == kinds


def test_one_entity_answers_for_one_only() -> None:
    halves = [Span(0, 4, "ORG"), Span(5, 9, "ORG")]
    assert pair(halves, [WIDE]) == [(halves[0], WIDE), (halves[1], None)]


def test_equal_ends_go_before_a_larger_overlap() -> None:
    inner = Span(2, 4, "GPE")
    assert pair([WIDE], [inner, WIDE]) == [(WIDE, WIDE), (None, inner)]


def test_partial_matches_by_hand() -> None:
    by_match = matches([document([ORG, LATER], [Span(0, 3, "ORG"), Span(20, 25, "GPE")])])
    assert by_match["exact"]["f"] == pytest.approx(1 / 2)
    assert by_match["partial"]["f"] == pytest.approx(3 / 4)
    assert by_match["type"]["f"] == pytest.approx(1 / 2)


def test_confusion_has_a_row_and_a_column_for_nothing() -> None:
    matrix = confusion([document([ORG, LATER], [GPE, Span(30, 33, "GPE")])], ["ORG", "GPE"])
    assert matrix["labels"] == ["ORG", "GPE", "(none)"]
    assert matrix["rows"] == [[0, 1, 1], [0, 0, 0], [0, 1, 0]]


def test_lost_entities_count_as_missed() -> None:
    scores = scored([document([ORG, LATER], [ORG], unalignable=1)])
    assert scores["overall"]["r"] == 0.5
    assert scores["tokenisation"] == {
        "unalignable": 1,
        "fraction": 0.5,
        "without": {"p": 1, "r": 1, "f": 1},
    }


def test_undefined_is_neither_zero_nor_one() -> None:
    assert np.isnan(prf(np.array([0, 0, 0]))).all()
    assert prf(np.array([0, 0, 3])).tolist() == [0, 0, 0]
    scores = scored([document([ORG], [ORG])], ["ORG", "EVENT"])
    assert scores["labels"]["EVENT"]["f"] is None
    assert scores["labels"]["EVENT"]["interval"]["f"] is None


def test_no_gold_at_all_is_undefined_all_over() -> None:
    scores = scored([document([], [])])
    assert scores["overall"]["f"] is None
    assert console.metrics({"tasks": {"ner": scores}}) == {}
    json.dumps(scores, allow_nan=False)


def test_slices_by_meta_and_by_length() -> None:
    scores = scored(
        [
            document([ORG], [ORG], "a", meta={"doc_type": "form"}),
            document([ORG], [], "b", meta={"doc_type": "guide"}),
            document([ORG], [], "c"),
        ]
    )
    assert scores["slices"]["doc_type"]["form"]["f"] == 1
    assert scores["slices"]["doc_type"]["guide"]["f"] == 0
    assert scores["slices"]["doc_type"]["(not given)"]["documents"] == 1
    assert scores["slices"]["length"]["1 to 20 words"]["documents"] == 3


def test_lengths_are_listed_from_short_to_long() -> None:
    documents = [document([], [], name) for name in "abcde"]
    for one, words in zip(documents, [700, 600, 550, 3, 40], strict=True):
        one.words = words
    assert list(scored(documents)["slices"]["length"]) == [
        "1 to 20 words",
        "21 to 100 words",
        "over 500 words",
    ]


def test_the_bootstrap_centres_on_the_score_and_narrows_with_more_documents() -> None:
    random = np.random.default_rng(0)

    def interval(documents: int) -> tuple[float, float]:
        table = random.multinomial(10, [0.7, 0.15, 0.15], size=documents)
        bounds = score_intervals(table.sum(axis=0), resample(table, 500, 0))["f"]
        assert bounds
        return bounds

    few, many = interval(20), interval(2000)
    assert few[0] < 0.82 < few[1]
    assert many[0] < 0.82 < many[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 5


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        table = random.multinomial(4, [0.6, 0.2, 0.2], size=60)
        low, high = score_intervals(table.sum(axis=0), resample(table, 200, 0))["f"] or (0, 0)
        inside += low <= 0.75 <= high
    assert 0.9 <= inside / 200 <= 0.995


def test_two_entities_found_are_no_proof() -> None:
    table = np.array([[1, 0, 0], [1, 0, 0]])
    low, high = score_intervals(table.sum(axis=0), resample(table, 200, 0))["f"] or (1, 1)
    assert low < 0.6
    assert high == 1


def test_wilson_by_the_book() -> None:
    assert wilson(8, 10) == pytest.approx((0.4901, 0.9433), abs=1e-3)


def test_only_the_same_documents_can_be_compared() -> None:
    one, other = count([document([], [], "a")], ["ORG"]), count([document([], [], "b")], ["ORG"])
    with pytest.raises(ValueError, match="same documents"):
        compare(one, other, ["ORG"], resamples=100, seed=0)


def test_a_confusion_matrix_too_large_for_the_console_is_folded() -> None:
    labels = [f"LABEL_{number:03}" for number in range(400)] + ["(none)"]
    rows = [[100 + row if row == column else 1 for column in range(401)] for row in range(401)]
    shown = console.confusion_matrix(
        {"tasks": {"ner": {"confusion": {"labels": labels, "rows": rows}}}}
    )
    assert len(json.dumps(shown)) < 200_000
    matrix = shown["confusionMatrix"]
    assert sum(sum(row["row"]) for row in matrix["rows"]) == sum(map(sum, rows))
    names = [spec["displayName"] for spec in matrix["annotationSpecs"]]
    assert names[-2:] == ["(other)", "(none)"]
    assert "LABEL_399" in names
