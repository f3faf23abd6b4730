"""How sure a tagger is of the entities that its tags B-LABEL and I-LABEL make.

It gives each token a distribution over tags, independent of its neighbours'. So the probability
that an entity stands at some place is a product: it starts there, goes on, and goes on no further.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.pipeline import Tagger
from spacy.tokens import Doc
from thinc.api import get_current_ops

from components.tasks.iob import labels_of

Entity = tuple[int, int, str]  # first token, token after the last, label
SMALLEST = 0.001  # probability of an entity that is worth a mention


def probable(tagger: Tagger, docs: Sequence[Doc]) -> Iterator[dict[Entity, float]]:
    """The entities of each document that have some probability, with it."""
    columns = {tag: column for column, tag in enumerate(tagger.labels)}
    labels = labels_of(columns)
    model: Any = tagger.model
    ops: Any = get_current_ops()
    for scores in model.predict(list(docs)):
        chances = distribution(ops.to_numpy(scores))
        # A tag that was never seen has no column of its own; the last one is for it.
        chances = np.pad(chances, ((0, 0), (0, 1)))
        yield {
            entity: probability
            for label in labels
            for entity, probability in entities(
                chances[:, columns.get(f"B-{label}", -1)],
                chances[:, columns.get(f"I-{label}", -1)],
                label,
            )
        }


def distribution(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of tags (tokens x tags) from scores, if they are not that already."""
    exact = scores.astype(np.float64)
    if (exact >= 0).all() and np.allclose(exact.sum(axis=1), 1, atol=1e-3):
        return exact
    powers: NDArray[np.float64] = np.exp(exact - exact.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def entities(
    begins: NDArray[np.float64], inside: NDArray[np.float64], label: str
) -> Iterator[tuple[Entity, float]]:
    """Yield the entities of a label and their probabilities.

    Args:
        begins, inside: probabilities of B- and I- for each token; an I- that goes on nothing
            starts an entity.
    """
    before = np.concatenate([[0.0], (begins + inside)[:-1]])
    starts = begins + inside * (1 - before)
    for start in np.flatnonzero(starts >= SMALLEST).tolist():
        probability = float(starts[start])
        for end in range(start + 1, len(inside) + 1):
            goes_on = float(inside[end]) if end < len(inside) else 0.0
            if probability * (1 - goes_on) >= SMALLEST:
                yield (start, end, label), probability * (1 - goes_on)
            probability *= goes_on
            if probability < SMALLEST:
                break
