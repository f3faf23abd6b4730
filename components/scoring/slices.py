"""Parts of a test set: the documents that share a property."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from components.records.languages import LANG
from components.records.prediction import Prediction

LENGTHS = (20, 100, 500)  # words
MOST = 12  # values per key; the rarer ones are taken together
OTHER = "(other)"
MISSING = "(not given)"


def slices(
    predictions: Iterable[Prediction], documents: Sequence[str], keys: Sequence[str]
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Return slice name -> value -> which documents, array (documents,).

    Args:
        documents: ids in the order of the arrays.
        keys: meta keys to slice by; one that no document has is left out. "length" and `LANG`
            come on top.
    """
    first: dict[str, Prediction] = {}
    words: Counter[str] = Counter()
    for prediction in predictions:
        first.setdefault(prediction.id, prediction)
        words[prediction.id] += prediction.words
    lengths = by_value([length(words[name]) for name in documents])
    shortest_first = dict.fromkeys(length(number) for number in sorted(words.values()))
    slices_by_key = {"length": {name: lengths[name] for name in shortest_first}}
    for key in dict.fromkeys([*keys, LANG]):
        values = [str(first[name].meta.get(key, MISSING)) for name in documents]
        if any(value != MISSING for value in values):
            slices_by_key[key] = by_value(fold(values))
    return slices_by_key


def languages(
    predictions: Iterable[Prediction], documents: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Return language -> which documents are in it; nothing if there are not several."""
    parts = slices(predictions, documents, ()).get(LANG, {})
    named = {language: rows for language, rows in parts.items() if is_named(language)}
    return named if len(parts) > 1 else {}


def is_named(value: str) -> bool:
    """Whether a part of a test set is one value's, and not that of several or of none."""
    return value not in (MISSING, OTHER)


def length(words: int) -> str:
    """Name the class of a document's length."""
    for low, high in zip((1, *(limit + 1 for limit in LENGTHS)), LENGTHS, strict=False):
        if words <= high:
            return f"{low} to {high} words"
    return f"over {LENGTHS[-1]} words"


def fold(values: Sequence[str]) -> list[str]:
    """Keep the commonest values."""
    kept = {value for value, _ in Counter(values).most_common(MOST)}
    return [value if value in kept else OTHER for value in values]


def by_value(values: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Return value -> where it stands, the commonest first."""
    listed = np.array(values, dtype=object)
    return {value: listed == value for value, _ in Counter(sorted(values)).most_common()}
