"""What classes add to the scores; probabilities are scored as well as the answers made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.records.prediction import Prediction
from components.scoring.calibration import calibration, coverage
from components.scoring.counts import count, numbers

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.training import Example

    from components.tasks.base import Scores
    from components.tasks.textcat import Kind

NONE = "(none)"
Floats = NDArray[np.float64]


def extras(
    predictions: Sequence[Prediction], labels: Sequence[str], *, exclusive: bool
) -> dict[str, Any]:
    """Macro scores, ranking, calibration and confusion.

    Returns:
        `macro` over labels with support, `exact` match of all labels of a document (null without a
        document whose labels are all known), `ranking` per label, `brier`, `calibration`,
        `confusion` of exclusive labels, and `rejected`: documents of which annotators only said
        what they are not, and how often the model said just that; of others `cooccurrence`.
    """
    said, truths = said_of(predictions, labels), truths_of(predictions, labels)
    known = ~np.isnan(truths)
    chance = (said[known], truths[known])
    whole = [one for one in predictions if not one.unknown]
    exact = [set(one.gold) == set(one.predicted) for one in whole]
    right, sure, _ = answers(said, truths, yes_of(predictions, labels), exclusive=exclusive)
    result: dict[str, Any] = {
        "macro": macro(predictions, labels),
        "exact": float(np.mean(exact)) if exact else None,
        "ranking": {
            label: ranking(said[known[:, place], place], truths[known[:, place], place])
            for place, label in enumerate(labels)
        },
        "brier": brier(said, truths, exclusive=exclusive),
        "calibration": {
            # Of any of several, what is believed is the probability of each label by itself; but
            # how far one can go without a person is a matter of the answers.
            **(calibration(sure, right) if exclusive else {"of": "labels", **calibration(*chance)}),
            "coverage_at_95": coverage(sure, right, 0.95),
        },
    }
    if exclusive:
        result["confusion"] = confusion(predictions, labels)
        result["rejected"] = rejected(said, truths)
    else:
        result["cooccurrence"] = cooccurrence(predictions, labels)
    return result


def said_of(predictions: Sequence[Prediction], labels: Sequence[str]) -> Floats:
    """Probabilities, array (documents, labels)."""
    rows = [[one.scores.get(label, 0.0) for label in labels] for one in predictions]
    return np.array(rows, float).reshape(len(predictions), len(labels))


def yes_of(predictions: Sequence[Prediction], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Whether a label was said, array (documents, labels)."""
    rows = [[label in one.predicted for label in labels] for one in predictions]
    return np.array(rows, bool).reshape(len(predictions), len(labels))


def truths_of(predictions: Sequence[Prediction], labels: Sequence[str]) -> Floats:
    """Array (documents, labels): 1 right, 0 wrong, NaN unknown."""
    rows = [
        [1.0 if label in one.gold else np.nan if label in one.unknown else 0.0 for label in labels]
        for one in predictions
    ]
    return np.array(rows).reshape(len(predictions), len(labels))


def answers(
    said: Floats, truths: Floats, yes: NDArray[np.bool_], *, exclusive: bool
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Which answers are right, how sure the model was of each, and the document of each.

    One of several is one answer; any of several are as many as labels are known.

    Args:
        yes: whether a label was said, by its threshold, (documents, labels).
    """
    if exclusive:
        rows = np.flatnonzero((truths == 1).any(axis=1))
        places = said[rows].argmax(axis=1) if len(rows) else np.zeros(0, int)
        right = truths[rows, places] == 1
        return right.astype(float), said[rows].max(axis=1, initial=0.0), rows
    known = ~np.isnan(truths)
    right = yes[known] == (truths[known] == 1)
    sure = np.where(yes[known], said[known], 1 - said[known])
    return right.astype(float), sure, known.nonzero()[0]


def macro(predictions: Sequence[Prediction], labels: Sequence[str]) -> dict[str, Any]:
    """Precision, recall and F, each a mean over the labels that annotators gave a document."""
    counts = count(predictions, labels)
    totals = {
        label: counts.table[:, place].sum(axis=0) for place, label in enumerate(counts.labels)
    }
    each = [numbers(one) for one in totals.values() if one[0] + one[2]]
    means = {name: float(np.mean([one[name] for one in each])) if each else None for name in "prf"}
    return {**means, "labels": len(each)}


def ranking(said: Floats, truths: Floats) -> dict[str, float | None]:
    """Area under the ROC curve, and average precision; null where one outcome is missing."""
    positives = int((truths == 1).sum())
    negatives = len(truths) - positives
    if not positives or not negatives:
        return {"auc": None, "average_precision": None}
    values, inverse, sizes = np.unique(said, return_inverse=True, return_counts=True)
    middle = np.cumsum(sizes) - (sizes - 1) / 2  # the mean rank of equal values
    ranks = middle[inverse][truths == 1].sum() - positives * (positives + 1) / 2
    hits = np.bincount(inverse, weights=truths == 1, minlength=len(values))[::-1]
    precision = np.cumsum(hits) / np.cumsum(sizes[::-1])
    return {
        "auc": float(ranks / positives / negatives),
        "average_precision": float((precision * hits).sum() / positives),
    }


def brier(said: Floats, truths: Floats, *, exclusive: bool) -> float | None:
    """The mean squared error of probabilities; over documents, or over labels that are known."""
    known = ~np.isnan(truths)
    if exclusive:
        rows = (truths == 1).any(axis=1)
        return float(((said - truths)[rows] ** 2).sum(axis=1).mean()) if rows.any() else None
    return float(((said - truths)[known] ** 2).mean()) if known.any() else None


def confusion(predictions: Iterable[Prediction], labels: Sequence[str]) -> dict[str, Any]:
    """Which label was predicted of the documents of each.

    Returns:
        `labels`, and `rows`: gold labels by predicted labels.
    """
    pairs = Counter((one.gold[0], one.predicted[0]) for one in predictions if one.gold)
    names = list(labels)
    return {"labels": names, "rows": [[pairs[row, column] for column in names] for row in names]}


def cooccurrence(predictions: Iterable[Prediction], labels: Sequence[str]) -> dict[str, Any]:
    """How often a label was predicted of the documents that have another, all of it known.

    Returns:
        `labels`, the last of them "(none)", `rows`: gold labels by predicted labels, and
        `documents` that have each label of the rows.
    """
    names = [*labels, NONE]
    pairs: Counter[tuple[str, str]] = Counter()
    documents: Counter[str] = Counter()
    for one in predictions:
        none = [] if one.unknown else [NONE]  # of one that is not known whole nobody can say it
        gold, said = [*map(str, one.gold)] or none, [*map(str, one.predicted)] or none
        documents.update(gold)
        pairs.update((row, column) for row in gold for column in said)
    return {
        "labels": names,
        "rows": [[pairs[row, column] for column in names] for row in names],
        "documents": [documents[row] for row in names],
    }


def rejected(said: Floats, truths: Floats) -> dict[str, int]:
    """Documents of which only wrong labels are known, and how often the model says one of them."""
    rows = ~(truths == 1).any(axis=1) & (truths == 0).any(axis=1)
    if not rows.any():
        return {"documents": 0, "predicted": 0}
    places = said[rows].argmax(axis=1)
    wrong = truths[rows][np.arange(len(places)), places] == 0
    return {"documents": int(rows.sum()), "predicted": int(wrong.sum())}


def dev_scorer(task: Kind) -> Callable[..., dict[str, Any]]:
    """A scorer for training that knows what is unknown, under the names of spaCy's own.

    `cats_score` is macro F of exclusive labels, and the mean area under the ROC curve of others,
    which needs no threshold. Several classifiers of a pipeline would write over each other's: the
    same are there with the task's name in the place of `cats`.
    """

    def score(examples: Iterable[Example], **_: Any) -> dict[str, Any]:
        noted = [
            Prediction(
                id=str(number),
                text="",
                words=0,
                gold=task.gold(one.reference),
                predicted=task.predicted(one),
                scores=task.scores(one),
                unknown=task.unknown(one),
            )
            for number, one in enumerate(examples)
        ]
        said = extras(noted, task.labels, exclusive=task.exclusive)
        areas = [one["auc"] for one in said["ranking"].values() if one["auc"] is not None]
        area = float(np.mean(areas)) if areas else None
        macros = {f"cats_macro_{key}": said["macro"][key] for key in "prf"}
        best = macros["cats_macro_f"] if task.exclusive else area
        scores = {**macros, "cats_macro_auc": area, "cats_score": best or 0.0}
        own = {key.replace("cats", task.name, 1): value for key, value in scores.items()}
        return {**scores, **own}

    return score


def official(examples: Iterable[Example], task: Kind) -> dict[str, Scores] | None:
    """spaCy's own scores, where they mean the same: one label per document, and known.

    Of any of several, it has one threshold for all labels; of rejected labels it makes nonsense.
    """
    from spacy.scorer import Scorer

    def own_classes(doc: Doc, _attr: str) -> dict[str, float]:
        return {label: value for label, value in doc.cats.items() if label in task.labels}

    whole = [one for one in examples if task.gold(one.reference)]
    if not task.exclusive or not whole:
        return None
    if not {*task.labels} <= {*whole[0].predicted.cats}:
        return None  # a model of other labels: spaCy fails where one has no probability
    scores = Scorer.score_cats(
        whole, "cats", labels=list(task.labels), multi_label=False, getter=own_classes
    )
    overall: Scores = {key: scores[f"cats_micro_{key}"] for key in "prf"}
    per_label: dict[str, Any] = scores["cats_f_per_type"]
    seen = {label for one in whole for label in [*task.gold(one.reference), *task.predicted(one)]}
    return {"": overall, **{label: per_label[label] for label in sorted(map(str, seen))}}
