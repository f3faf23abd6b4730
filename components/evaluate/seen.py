"""Which test documents the model in production was trained on: it must not be scored on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from components.records.keys import key_of, normalised
from components.records.prediction import Prediction
from components.registry import assignment


def seen_by_champion(known: Path | None, predictions: Sequence[Prediction]) -> set[str] | None:
    """The ids of documents that were in train or dev when the champion was trained.

    A test document gets there by `split.reshuffle`, by a tag in the annotations, or as a text that
    a teacher answered before annotators did.

    Args:
        known: the champion's assignment; None without one.

    Returns:
        None where the champion kept no assignment, or an empty one, so that nobody knows.

    Raises:
        DataError: its assignment cannot be read.
    """
    if known is None:
        return None
    stored = assignment.read(known)
    if not (stored.train or stored.dev or stored.test):
        return None
    learnt = {int(key, 16) for key in (*stored.train, *stored.dev, *stored.silver)}
    texts: dict[str, str] = {}
    for window in predictions:
        texts[window.id] = texts.get(window.id, "") + window.text
    return {name for name, text in texts.items() if key_of(normalised(text), b"text") in learnt}


def without(predictions: Iterable[Prediction], documents: Collection[str]) -> list[Prediction]:
    """The predictions of all other documents."""
    return [prediction for prediction in predictions if prediction.id not in documents]
