"""The scores of a model on a test set, as one JSON object; docs/judging.md explains them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.evaluate.pairs import pair
from components.evaluate.slices import slices
from components.records.prediction import Prediction
from components.scoring.counts import MISSED, RIGHT, Counts, count, prf
from components.scoring.intervals import difference, resample, score_intervals

NONE = "(none)"


def score(
    predictions: Sequence[Prediction],
    labels: Sequence[str],
    *,
    slice_keys: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Return everything there is to say about one model.

    Args:
        labels: labels to report even if they never occur.

    Returns:
        `documents`, `words`, `overall`, `labels`, `tokenisation`, `matches`, `confusion` and
        `slices`. Scores are fractions; null where they are undefined.
    """
    counts = count(predictions, labels)
    sums = resample(counts.table, resamples, seed)
    totals = counts.table.sum(axis=0)
    per_label = {
        label: described(totals[place], sums[:, place]) for place, label in enumerate(counts.labels)
    }
    return {
        "documents": len(counts.documents),
        "words": sum(prediction.words for prediction in predictions),
        "overall": described(totals.sum(axis=0), sums.sum(axis=1)),
        "labels": per_label,
        "tokenisation": tokenisation(predictions, totals.sum(axis=0)),
        "matches": matches(predictions),
        "confusion": confusion(predictions, counts.labels),
        "slices": {
            name: {
                value: {
                    "documents": int(rows.sum()),
                    **described(*of_rows(counts, rows, resamples, seed)),
                }
                for value, rows in found.items()
            }
            for name, found in slices(predictions, counts.documents, slice_keys).items()
        },
    }


def of_rows(
    counts: Counts, rows: NDArray[np.bool_], resamples: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Totals over all labels of some documents, and the same resampled."""
    chosen = counts.table[rows].sum(axis=1)
    return chosen.sum(axis=0), resample(chosen, resamples, seed)


def described(counts: NDArray[np.int64], sums: NDArray[np.float64]) -> dict[str, Any]:
    """Scores, support and intervals from counts, array (3,), and their resamples."""
    right, spurious, missed = (int(number) for number in counts)
    return {
        **numbers(counts),
        "support": right + missed,
        "predicted": right + spurious,
        "interval": score_intervals(counts, sums),
    }


def numbers(counts: NDArray[Any]) -> dict[str, float | None]:
    """Precision, recall and F, or null for all three."""
    return {
        name: None if math.isnan(value) else float(value)
        for name, value in zip(("p", "r", "f"), prf(counts), strict=True)
    }


def tokenisation(predictions: Iterable[Prediction], totals: NDArray[np.int64]) -> dict[str, Any]:
    """Gold entities that the model cannot get right, for its tokens end elsewhere.

    They are in all scores, as missed: leaving them out, as a corpus made with `char_span` does,
    would hide them.

    Args:
        totals: right, spurious and missed over all labels.

    Returns:
        `lost`: how many, their `share` of all gold entities, and the scores `without` them.
    """
    lost = sum(prediction.lost for prediction in predictions)
    support = int(totals[RIGHT] + totals[MISSED])
    return {
        "lost": lost,
        "share": lost / support if support else None,
        "without": numbers(totals - np.array([0, 0, lost])),
    }


def matches(predictions: Iterable[Prediction]) -> dict[str, dict[str, float | None]]:
    """Scores when less than label and both ends must be right (as in SemEval 2013, task 9.1).

    Returns:
        `exact`: the ends alone; `partial`: an overlap, worth one half if the ends differ;
        `type`: an overlap with the right label.
    """
    right = {"exact": 0.0, "partial": 0.0, "type": 0.0}
    gold = predicted = 0
    for prediction in predictions:
        gold += len(prediction.gold)
        predicted += len(prediction.predicted)
        for one, other in pair(prediction.gold, prediction.predicted):
            if one and other:
                same_ends = (one.start, one.end) == (other.start, other.end)
                right["exact"] += same_ends
                right["partial"] += 1 if same_ends else 0.5
                right["type"] += one.label == other.label
    return {
        name: numbers(np.array([found, predicted - found, gold - found]))
        for name, found in right.items()
    }


def confusion(predictions: Iterable[Prediction], labels: Sequence[str]) -> dict[str, Any]:
    """Which label was predicted where which was marked; an overlap counts, whatever its ends.

    Returns:
        `labels`, the last of them "(none)", and `rows`: gold labels by predicted labels.
    """
    pairs = Counter(
        (one.label if one else NONE, other.label if other else NONE)
        for prediction in predictions
        for one, other in pair(prediction.gold, prediction.predicted)
    )
    names = [*labels, NONE]
    return {"labels": names, "rows": [[pairs[row, column] for column in names] for row in names]}


def compare(
    new: Counts, old: Counts, labels: Sequence[str], *, resamples: int, seed: int
) -> dict[str, Any]:
    """Compare two models on the same documents (paired bootstrap).

    Args:
        new: counts of the candidate; `old` those of the champion, of the same documents.
        labels: labels that both models know; others would punish one of them for the question.

    Returns:
        `labels`, and `overall` and `per_label`: each with `f` of both, their `difference`
        (new minus old), its `interval` and the probability `better` that the new one is better.

    Raises:
        ValueError: the documents differ.
    """
    if new.documents != old.documents:
        raise ValueError("only models that saw the same documents can be compared")
    both = np.stack([new.only(labels), old.only(labels)], axis=1)
    sums = resample(both, resamples, seed)
    totals = both.sum(axis=0)
    return {
        "labels": list(labels),
        "overall": contrast(totals.sum(axis=1), sums.sum(axis=2)),
        "per_label": {
            label: contrast(totals[:, place], sums[:, :, place])
            for place, label in enumerate(labels)
        },
    }


def contrast(totals: NDArray[np.int64], sums: NDArray[np.float64]) -> dict[str, Any]:
    """The difference in F of two models from counts (2, 3) and their resamples (…, 2, 3)."""
    new, old = (numbers(counts)["f"] for counts in totals)
    interval, better = difference(sums[:, 0], sums[:, 1])
    return {
        "f": {"new": new, "champion": old},
        "difference": None if new is None or old is None else new - old,
        "interval": interval,
        "better": better,
    }


def agrees(scores: Mapping[str, Any], official: Mapping[str, Any]) -> bool:
    """Whether our overall and per-label scores are those of spaCy's scorer.

    Args:
        official: what `spacy.scorer.get_ner_prf` returned.
    """
    theirs = {"overall": {name: official[f"ents_{name}"] for name in "prf"}}
    theirs |= official["ents_per_type"] or {}
    ours = {"overall": scores["overall"], **scores["labels"]}
    return all(
        close(ours.get(name, {}).get(key), value)
        for name, values in theirs.items()
        for key, value in values.items()
    )


def close(one: float | None, other: float | None) -> bool:
    """Whether two scores are equal, up to the order of additions; undefined equals undefined."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-9)
