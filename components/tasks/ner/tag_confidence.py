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
    inside = [column for tag, column in columns.items() if tag.startswith("I-")]
    model: Any = tagger.model
    ops: Any = get_current_ops()
    for scores in model.predict(list(docs)):
        chances = distribution(ops.to_numpy(scores))
        yield {
            entity: probability
            for label in labels_of(columns)
            if f"B-{label}" in columns
            for entity, probability in entities(
                chances[:, columns[f"B-{label}"]], chances[:, inside].sum(axis=1), label
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
        begins: of each token, the probability of the label's B-.
        inside: that of any I-: an entity goes on with it.
    """
    for start in np.flatnonzero(begins >= SMALLEST).tolist():
        probability = float(begins[start])
        for end in range(start + 1, len(inside) + 1):
            goes_on = float(inside[end]) if end < len(inside) else 0.0
            if probability * (1 - goes_on) >= SMALLEST:
                yield (start, end, label), probability * (1 - goes_on)
            probability *= goes_on
            if probability < SMALLEST:
                break
