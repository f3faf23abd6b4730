"""How sure a span categoriser is of the spans that it considers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from components.records.record import Item, Span
from components.tasks.spans.training import categoriser_of

SMALLEST = 0.001  # probability that is worth a mention


def span_probabilities(
    nlp: Language, docs: Sequence[Doc], task: str
) -> list[Mapping[Item, float]] | None:
    """The probability of each span that has some, for documents that a pipeline has been over.

    None where it does not do the task.
    """
    pipe = categoriser_of(nlp, task)
    if pipe is None:
        return None
    ops: Any = pipe.model.ops
    runs, scores = pipe.predict(docs)
    edges, lengths = ops.to_numpy(runs.dataXd), ops.to_numpy(runs.lengths)
    said = ops.to_numpy(scores).reshape(len(edges), -1)
    result: list[Mapping[Item, float]] = []
    for doc, end, length in zip(docs, np.cumsum(lengths).tolist(), lengths.tolist(), strict=True):
        here, there = edges[end - length : end], said[end - length : end]
        rows, columns = np.nonzero(there >= SMALLEST)
        result.append(
            {
                of_tokens(doc, here[row], pipe.labels[column]): float(there[row, column])
                for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            }
        )
    return result


def of_tokens(doc: Doc, run: Any, label: str) -> Span:
    """A run, its first token and the one after its last, by its characters."""
    start, end = run.tolist()
    return Span(doc[start].idx, doc[end - 1].idx + len(doc[end - 1]), label)
