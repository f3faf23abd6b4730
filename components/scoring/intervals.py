"""How far a score would move if the test set were drawn again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from components.scoring.counts import prf

LEVEL = (2.5, 97.5)
Z = 1.959963984540054  # the standard normal's 97.5 % quantile
CHUNK = 2_000_000  # drawn documents held at once


def resample(columns: NDArray[np.int64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Draw documents with replacement and sum their counts (Efron's bootstrap).

    Documents, not entities, are drawn: entities of one document stand and fall together; so do
    documents of one group, where there are groups.

    Args:
        columns: counts, array (documents or groups, …).

    Returns:
        Sums, array (resamples, …).
    """
    documents = len(columns)
    if not columns.size:  # nothing is drawn from nothing
        return np.zeros((resamples, *columns.shape[1:]))
    flat = columns.reshape(documents, -1).astype(np.float64)
    sums = [times @ flat for times in draws(documents, resamples, seed)]
    return np.concatenate(sums).reshape(resamples, *columns.shape[1:])


def draws(documents: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each document is in each resample, arrays (some resamples, documents)."""
    random = np.random.default_rng(seed)
    step = max(1, CHUNK // max(1, documents))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = random.integers(documents, size=(rows, documents))
        # One bincount for the whole chunk: each resample has its own range of bins.
        drawn += documents * np.arange(rows)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=rows * documents)
        yield times.reshape(rows, documents)


def percentiles(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The middle 95 % of a statistic's resampled values, array (resamples,).

    None when it is undefined in more than half of the resamples: what is left says nothing.
    """
    defined = values[~np.isnan(values)]
    if len(defined) * 2 < len(values) or not len(defined):
        return None
    low, high = np.percentile(defined, LEVEL)
    return float(low), float(high)


def score_intervals(
    counts: NDArray[np.int64], sums: NDArray[np.float64]
) -> dict[str, tuple[float, float] | None]:
    """95 % intervals of precision, recall and F.

    The bootstrap's percentiles, widened where Wilson's interval for as many entities is wider: a
    label whose two entities were both found is the same in every resample, and is still not sure.

    Args:
        counts: right, spurious and missed, array (3,).
        sums: the same, resampled, array (resamples, 3).
    """
    right, spurious, missed = (int(number) for number in counts)
    # F is a function of the share of right ones among all, and rises with it: F = 2j / (1 + j).
    low, high = wilson(right, right + spurious + missed)
    small = {
        "p": wilson(right, right + spurious),
        "r": wilson(right, right + missed),
        "f": (2 * low / (1 + low), 2 * high / (1 + high)),
    }
    scores = prf(sums)
    return {
        name: hull(percentiles(scores[:, place]), small[name])
        for place, name in enumerate(("p", "r", "f"))
    }


def hull(
    drawn: tuple[float, float] | None, small: tuple[float, float]
) -> tuple[float, float] | None:
    """The smallest interval that holds both."""
    return drawn and (min(drawn[0], small[0]), max(drawn[1], small[1]))


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval for a proportion (E. B. Wilson, 1927)."""
    if not trials:
        return 0.0, 1.0
    proportion = successes / trials
    centre = proportion + Z * Z / (2 * trials)
    variance = proportion * (1 - proportion) / trials
    spread = Z * float(np.sqrt(variance + Z * Z / (4 * trials * trials)))
    scale = 1 + Z * Z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def difference(
    sums: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[tuple[float, float] | None, float | None]:
    """Compare the F of two models over the same resamples (paired bootstrap, Koehn 2004).

    Args:
        sums: right, spurious and missed of one model, array (resamples, 3); `others` of the other.

    Returns:
        95 % interval of the difference, and the probability that it is above 0.
    """
    differences = prf(sums)[:, 2] - prf(others)[:, 2]
    interval = percentiles(differences)
    if interval is None:
        return None, None
    return interval, float(np.mean(differences[~np.isnan(differences)] > 0))
