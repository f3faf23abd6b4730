"""Outcomes per document and label, and the scores that they make."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.records.prediction import Prediction
from components.records.record import Item, label_of

Result = Literal["correct", "spurious", "missed"]
RESULTS: tuple[Result, ...] = ("correct", "spurious", "missed")
RIGHT, SPURIOUS, MISSED = range(3)


class Outcome(NamedTuple):
    """What became of one item, gold or predicted: all that counting knows of a kind of task."""

    label: str
    result: Result
    gold: Item | None
    predicted: Item | None


@dataclass(frozen=True)
class Counts:
    """Counts of a test set.

    Attributes:
        labels: names of the second axis.
        documents: ids of the first axis; windows of one document are one row.
        table: int64 array (documents, labels, 3): right, spurious, missed.
        groups: numbers of the groups that documents are drawn in, array (documents,).
    """

    labels: tuple[str, ...]
    documents: tuple[str, ...]
    table: NDArray[np.int64]
    groups: NDArray[np.int64]

    def only(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """The columns of these labels, in their order; zeros for a label that never occurs."""
        places = {label: place for place, label in enumerate(self.labels)}
        chosen = np.zeros((len(self.documents), len(labels), 3), dtype=np.int64)
        for place, label in enumerate(labels):
            if label in places:
                chosen[:, place] = self.table[:, places[label]]
        return chosen

    def by_group(self, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts of documents, array (documents, …), summed within groups: (groups, …)."""
        sums = np.zeros((self.groups.max(initial=-1) + 1, *columns.shape[1:]), dtype=np.int64)
        np.add.at(sums, self.groups, columns)
        return sums


Tally = Callable[[Prediction], Iterable[tuple[str, int, int]]]


def by_item(prediction: Prediction) -> Iterator[tuple[str, int, int]]:
    """Label, place in RESULTS and number of each outcome of a document."""
    for outcome in outcomes(prediction):
        yield outcome.label, RESULTS.index(outcome.result), 1


def end_to_end(prediction: Prediction) -> Iterator[tuple[str, int, int]]:
    """The same of what a model says where nothing is given away; see `Prediction.end_to_end`."""
    for label, numbers_of_label in prediction.end_to_end.items():
        for result, number in enumerate(numbers_of_label):
            yield label, result, number


def count(
    predictions: Iterable[Prediction],
    labels: Sequence[str],
    group_by: str | None = None,
    tally: Tally = by_item,
) -> Counts:
    """Count the outcomes of each document, as spaCy's scorer does (`get_ner_prf`).

    Args:
        labels: labels to have a column even if they never occur; others that occur come after.
        group_by: key, such as meta.url, whose documents of one value are one group; a document
            without it is a group of its own.
        tally: what is counted.
    """
    keys = (group_by or "").split(".")[1:]
    groups: dict[str, int] = {}
    members: list[int] = []
    columns = {label: place for place, label in enumerate(labels)}
    rows: dict[str, int] = {}
    cells: list[tuple[int, int, int]] = []
    amounts: list[int] = []
    for prediction in predictions:
        row = rows.setdefault(prediction.id, len(rows))
        if row == len(members):
            name = group_of(prediction, keys)
            members.append(groups.setdefault(name, len(groups)))
        for label, result, number in tally(prediction):
            cells.append((row, columns.setdefault(label, len(columns)), result))
            amounts.append(number)
    table = np.zeros((len(rows), len(columns), 3), dtype=np.int64)
    if cells:
        np.add.at(table, tuple(np.array(cells).T), amounts)
    return Counts(tuple(columns), tuple(rows), table, np.array(members, dtype=np.int64))


def group_numbers(predictions: Sequence[Prediction], group_by: str | None) -> NDArray[np.int64]:
    """The number of each document's group, see `count`."""
    keys = (group_by or "").split(".")[1:]
    numbers: dict[str, int] = {}
    names = [group_of(one, keys) for one in predictions]
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def group_of(prediction: Prediction, keys: Sequence[str]) -> str:
    """The name of the group that a document is in."""
    value: Any = prediction.meta if keys else None
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return f"document {prediction.id}" if value is None else f"group {value}"


def outcomes(prediction: Prediction) -> list[Outcome]:
    """The outcome of every item of one document."""
    missed = set(prediction.gold)
    result = []
    for item in prediction.predicted:
        right = item in missed
        missed.discard(item)
        kind: Result = "correct" if right else "spurious"
        result.append(Outcome(label_of(item), kind, item if right else None, item))
    return result + [Outcome(label_of(item), "missed", item, None) for item in missed]


def prf(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return precision, recall and F from counts of right, spurious and missed.

    Args:
        counts: array (…, 3).

    Returns:
        Array (…, 3). All three are NaN where there is neither gold nor prediction; where only one
        of them is missing the score is 0, as in spaCy's scorer.
    """
    right, spurious, missed = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    scores = np.stack(
        [
            right / np.maximum(right + spurious, 1),
            right / np.maximum(right + missed, 1),
            2 * right / np.maximum(2 * right + spurious + missed, 1),
        ],
        axis=-1,
    )
    scores[right + spurious + missed == 0] = np.nan
    return scores


def numbers(counts: NDArray[Any]) -> dict[str, float | None]:
    """Precision, recall and F, or null for all three."""
    return {
        name: None if math.isnan(value) else float(value)
        for name, value in zip(("p", "r", "f"), prf(counts), strict=True)
    }
