"""How many steps a training config takes on so much data, known before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Words in a batch, as a fraction of the size that the batcher is given: the rest is padding and, in
# word pieces, that a word has more than one. Measured with bench/batches.py on five collections.
FILLED = {
    "retrain.batch_by_pieces.v1": 0.65,
    "spacy.batch_by_padded.v1": 0.65,
    "spacy.batch_by_words.v1": 0.95,
}


def length_of(
    config: Mapping[str, Any], words: int, mean_words: float = 0.0
) -> tuple[int, int] | None:
    """Steps of a training at most, and words in each; None where it counts otherwise.

    Args:
        config: a training config, not interpolated.
        words: of the training corpus; 0 where that is not known.
        mean_words: of a document; 0 where that is not known.
    """
    from spacy.util import registry

    from components.train.length import OverCorpus

    training = config["training"]
    steps, batch = training["max_steps"], words_in_batch(training["batcher"], mean_words)
    if not steps or not batch:
        return None
    rate = training["optimizer"].get("learn_rate")
    if not isinstance(rate, dict):
        return steps, batch
    schedule = registry.resolve({"rate": rate})["rate"]
    if not isinstance(schedule, OverCorpus):
        return steps, batch
    if not words and not schedule.is_fixed:
        return None
    schedule.fit(max(1, words // batch), steps)
    return schedule.steps, batch


def words_in_batch(batcher: Mapping[str, Any], mean_words: float) -> int:
    """Words that a batch holds, roughly; 0 where that is not known."""
    size, filled = batcher.get("size"), FILLED.get(batcher["@batchers"])
    if isinstance(size, dict):  # a schedule; the size that it grows to
        size = size.get("stop")
    if not isinstance(size, int) or not filled:
        return 0
    return round(max(size * filled, int(batcher.get("documents", 0)) * mean_words))
