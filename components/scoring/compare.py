"""Two models on the same documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.scoring.counts import Counts, numbers
from components.scoring.intervals import difference, resample


def compare(
    new: Counts, old: Counts, labels: Sequence[str], *, resamples: int, seed: int
) -> dict[str, Any]:
    """Compare two models on the same documents (paired bootstrap).

    Args:
        new: counts of the candidate, whose groups are drawn; `old` those of the champion, of the
            same documents.
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
    sums = resample(new.by_group(both), resamples, seed)
    totals = both.sum(axis=0)
    return {
        "labels": list(labels),
        "overall": contrast(totals.sum(axis=1), sums.sum(axis=2)),
        "per_label": {
            label: contrast(totals[:, place], sums[:, :, place])
            for place, label in enumerate(labels)
        },
    }


def compare_parts(
    new: Counts,
    old: Counts,
    labels: Sequence[str],
    parts: Mapping[str, NDArray[np.bool_]],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Compare two models on parts of the same documents, over all labels together.

    Args:
        parts: name -> which documents, array (documents,); otherwise as in `compare`.

    Returns:
        name -> what `compare` returns of `overall`.
    """
    both = np.stack([new.only(labels), old.only(labels)], axis=1).sum(axis=2)
    result = {}
    for name, rows in parts.items():
        chosen = both * rows[:, np.newaxis, np.newaxis]
        groups = np.unique(new.groups[rows])
        sums = resample(new.by_group(chosen)[groups], resamples, seed)
        result[name] = contrast(chosen.sum(axis=0), sums)
    return result


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
