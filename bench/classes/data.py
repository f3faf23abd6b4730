"""The corpora of the benchmark of classes, from the exports beside the project.

Texts are in it once, with the answer that was given first; ignored rows and those without one
accepted label are left out. What has no dev or test set of its own is dealt out at random.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SEED = 13  # of random splits

Row = tuple[str, dict[str, float]]  # text, and label -> 1 right, 0 wrong; left out: unknown
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Collection:
    """One data set.

    Attributes:
        exclusive: whether a text has exactly one of the labels.
        rows: by split.
    """

    labels: tuple[str, ...]
    exclusive: bool
    rows: dict[str, list[Row]]


def healthsea(count: int | None = None) -> Collection:
    """Reviews of supplements, one of four labels; the first `count` training rows."""
    labels = ("POSITIVE", "NEGATIVE", "NEUTRAL", "ANAMNESIS")
    rows = choices("prodigy_textcat_choice_healthsea", "train", labels)
    random.Random(SEED).shuffle(rows)  # noqa: S311
    test, dev = rows[: len(rows) // 5], rows[len(rows) // 5 : len(rows) * 3 // 10]
    train = rows[len(rows) * 3 // 10 :][:count]
    return Collection(labels, True, {"train": train, "dev": dev, "test": test})


def questions(count: int) -> Collection:
    """`healthsea`, where annotators were only asked about one label, drawn at random, of a text."""
    whole = healthsea(count)
    draw = random.Random(SEED)  # noqa: S311
    asked = [
        (text, answer(cats, draw.choice(whole.labels), whole.labels))
        for text, cats in whole.rows["train"]
    ]
    return Collection(whole.labels, True, {**whole.rows, "train": asked})


def answer(cats: dict[str, float], label: str, labels: Sequence[str]) -> dict[str, float]:
    """What yes or no to one label tells of all of them."""
    return dict.fromkeys(labels, 0.0) | {label: 1.0} if cats[label] else {label: 0.0}


def docs_issues() -> Collection:
    """Issues on GitHub: about the documentation, yes or no. A sixth of training rows are dev.

    Dev has as much of yes and no as the rest, as `split` sees to: of 110 rows at random it has a
    sixth less, which no calibration on it could know.
    """
    rows = yes_or_no("prodigy_textcat_docs_issues", "train")
    random.Random(SEED).shuffle(rows)  # noqa: S311
    dev = [row for right in (0.0, 1.0) for row in answered(rows, right)[::6]]
    train = [row for row in rows if row not in dev]
    test = yes_or_no("prodigy_textcat_docs_issues", "test")
    return Collection(("DOCUMENTATION",), False, {"train": train, "dev": dev, "test": test})


def answered(rows: Sequence[Row], right: float) -> list[Row]:
    """Rows of one label with this answer."""
    return [row for row in rows if [*row[1].values()] == [right]]


def published(folder: str) -> Collection:
    """A collection with splits of its own, one of several labels."""
    found = {split: list(read(folder, split)) for split in SPLITS}
    labels = tuple(sorted({row["accept"][0] for rows in found.values() for row in rows}))
    return Collection(labels, True, {split: choices(folder, split, labels) for split in SPLITS})


def choices(folder: str, split: str, labels: Sequence[str]) -> list[Row]:
    """Rows with exactly one accepted label."""
    rows: dict[str, dict[str, float]] = {}
    for row in read(folder, split):
        if row["answer"] == "accept" and len(row["accept"]) == 1:
            cats = {label: float(label == row["accept"][0]) for label in labels}
            rows.setdefault(row["text"], cats)
    return list(rows.items())


def yes_or_no(folder: str, split: str) -> list[Row]:
    """Rows that were asked about one label."""
    rows: dict[str, dict[str, float]] = {}
    for row in read(folder, split):
        if row["answer"] != "ignore":
            rows.setdefault(row["text"], {row["label"]: float(row["answer"] == "accept")})
    return list(rows.items())


def read(folder: str, split: str) -> list[dict[str, Any]]:
    """The rows of an export."""
    with (DATA / folder / f"{split}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


COLLECTIONS: dict[str, Callable[[], Collection]] = {
    "healthsea 400": lambda: healthsea(400),
    "healthsea": healthsea,
    "healthsea 1600": lambda: healthsea(1600),
    "healthsea 1600 questions": lambda: questions(1600),
    "docs_issues": docs_issues,
    "banking77": lambda: published("cls_en_banking77"),
    "germeval2018": lambda: published("cls_de_germeval2018"),
}
