"""The loss of a span categoriser that knows what annotators did not say.

spaCy takes every run of words that has no label for wrong, also in a document that nobody annotated
for the task; and it learns from squared distances, whose gradient vanishes just where the model is
surely wrong. Here a label of a run is right, wrong or unknown, what is unknown is not learnt, and
the loss is cross-entropy. The component stays spaCy's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.pipeline import SpanCategorizer
from spacy.training import Example

from components.records.groups import rejected_of
from components.tasks.spans.examples import known_labels

Floats = NDArray[np.float32]
TINY = 1e-6


def learn_only_what_is_known(pipe: SpanCategorizer, task: str) -> None:
    """Give a span categoriser the loss of its task, for training."""
    setattr(pipe, "get_loss", MethodType(partial(loss, task=task), pipe))  # noqa: B010 - mypy


def loss(
    pipe: SpanCategorizer, examples: Iterable[Example], spans_scores: Any, *, task: str
) -> tuple[float, Any]:
    """The loss of a batch and its gradient, as `SpanCategorizer.get_loss` returns them: sums.

    thinc's Logistic multiplies by p(1 - p) on the way back; it is divided out here, which leaves
    p - y at its inputs.
    """
    ops: Any = pipe.model.ops
    spans, scores = spans_scores
    said = np.clip(np.asarray(ops.to_numpy(scores)), TINY, 1 - TINY)
    truths = truths_of(pipe, list(examples), spans, task)
    known = ~np.isnan(truths)
    truths = np.where(known, truths, said)
    value = -np.where(truths == 1, np.log(said), np.log(1 - said))[known].sum()
    gradient = (said - truths) / (said * (1 - said))
    return float(value), ops.asarray2f(gradient.astype(np.float32))


def truths_of(pipe: SpanCategorizer, examples: list[Example], spans: Any, task: str) -> Floats:
    """Of each run that is suggested, array (runs, labels): 1 right, 0 wrong, NaN unknown.

    Args:
        spans: first and last token of the runs of all examples, as suggesters return them.
    """
    ops: Any = pipe.model.ops
    edges, lengths = ops.to_numpy(spans.dataXd), ops.to_numpy(spans.lengths)
    column = {label: number for number, label in enumerate(pipe.labels)}
    truths: Floats = np.zeros((len(edges), len(column)), np.float32)
    end = 0
    for example, length in zip(examples, lengths.tolist(), strict=True):
        start, end = end, end + length
        here, of_doc = edges[start:end], truths[start:end]
        about = example.reference
        if task in about.user_data.get("unanswered", ()):
            of_doc[:] = np.nan
            continue
        known = known_labels(about, task)
        if known is not None:
            of_doc[:, [place for label, place in column.items() if label not in known]] = np.nan
            mark(of_doc, here, example, rejected_of(task), column, 0)
        mark(of_doc, here, example, task, column, 1)
    return truths


def mark(
    truths: Floats, edges: Any, example: Example, group: str, column: dict[str, int], value: int
) -> None:
    """Write what is known of the spans of a group into the rows of the runs that they are.

    A label that dev has and train had not is none of the pipeline's.
    """
    there = example.reference.spans.get(group, ())
    marked = [span for span in there if span.label_ in column]
    for span in example.get_aligned_spans_y2x(marked, True) if marked else ():
        rows = (edges[:, 0] == span.start) & (edges[:, 1] == span.end)
        truths[rows, column[span.label_]] = value
