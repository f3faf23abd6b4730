from __future__ import annotations

from typing import Any

from components.report.weakness import little_known, weak_spots


def row(
    f: float | None, recall: float | None, support: int, interval: tuple[float, float] = (0.4, 1.0)
) -> dict[str, Any]:
    return {"p": f, "r": recall, "f": f, "support": support, "interval": {"f": interval}}


def block(labels: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "unit": "entities",
        "labels": labels,
        "overall": row(0.8, 0.8, 200),
        "slices": {},
        **more,
    }


def test_the_worst_labels_are_named_by_f_and_by_recall_and_good_ones_are_not() -> None:
    labels = {
        "A": row(0.70, 0.90, 50),
        "B": row(0.80, 0.60, 50),
        "C": row(0.90, 0.97, 50),
        "D": row(0.94, 0.91, 50),
        "E": row(1.0, 1.0, 50),
    }
    assert weak_spots(block(labels)) == [
        "Lowest F: A 70.0, B 80.0, C 90.0.",
        "Lowest recall: B 60.0, A 90.0, D 91.0.",
    ]
    assert weak_spots(block({"E": labels["E"]})) == []


def test_labels_with_few_examples_stand_apart() -> None:
    labels = {"RARE": row(1.0, 1.0, 3), "NONE": row(None, None, 0), "A": row(0.5, 0.5, 50)}
    assert weak_spots(block(labels)) == ["Lowest F: A 50.0.", "Lowest recall: A 50.0."]
    assert little_known(block(labels)) == [
        "RARE was tested on 3 entities only: F 100.0, and it may be anywhere from 40.0 to 100.0.",
        "NONE does not occur in the test set: nothing is known about it.",
    ]


def test_a_label_that_is_bad_however_few_its_examples_is_named() -> None:
    labels = {"FAC": row(0.78, 0.72, 22, (0.61, 0.91)), "ROLE": row(0.83, 0.81, 21, (0.67, 0.97))}
    assert weak_spots(block(labels)) == ["Lowest F: FAC 78.0.", "Lowest recall: FAC 72.0."]
    assert [one.split()[0] for one in little_known(block(labels))] == ["ROLE"]


def test_the_commonest_confusions_are_put_in_words() -> None:
    table = {
        "labels": ["A", "B", "(none)"],
        "rows": [[40, 7, 1], [2, 30, 12], [3, 0, 0]],
    }
    assert weak_spots(block({"E": row(1.0, 1.0, 50)}, confusion=table)) == [
        "B was missed 12 times.",
        "A was taken for B 7 times.",
        "A was said 3 times where there is none.",
    ]
