"""Losses of text classifiers that know what annotators did not say.

spaCy's `textcat` takes every label that a document does not name for wrong, and the loss of a
rejected label is the same as that of a document without any answer. Here a label is right, wrong or
unknown (it is missing in `doc.cats`), and what is unknown is not learnt:

- one of several: minus the logarithm of the probability of all labels that are still possible. That
  is cross-entropy where the label is known, and says "one of the others" where one was rejected.
- any of several: binary cross-entropy over the labels that are known.

The components stay spaCy's own, so that a saved pipeline opens with nothing of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.training import Example

from components.tasks.base import IN_STEP

Floats = NDArray[np.float32]
TINY = 1e-6


def learn_only_what_is_known(
    pipe: TextCategorizer, weights: dict[str, float], *, alone: bool
) -> None:
    """Give a text classifier the loss of its task, for training.

    Args:
        weights: of documents that have a label; 1 for a label that is missing here.
        alone: whether nothing else learns from the network below it.
    """
    of_labels = np.array([weights.get(label, 1) for label in pipe.labels], np.float32)
    own = partial(loss, weights=of_labels, alone=alone)
    setattr(pipe, "get_loss", MethodType(own, pipe))  # noqa: B010 - mypy


def loss(
    pipe: TextCategorizer, examples: Iterable[Example], scores: Any, *, weights: Floats, alone: bool
) -> tuple[float, Any]:
    """The loss of a batch and its gradient, as `TextCategorizer.get_loss` returns them.

    It is a mean over the documents of a step, of which the batch may be a part. Taggers and parsers
    add up theirs; beside one of them a mean would hardly be heard by the network that both share,
    so that the gradient is then a sum, too.
    """
    ops: Any = pipe.model.ops
    examples = list(examples)
    truths = truths_of([example.reference.cats for example in examples], pipe.labels)
    function = any_of if isinstance(pipe, MultiLabel_TextCategorizer) else one_of
    value, gradient = function(np.asarray(ops.to_numpy(scores)), truths, weights)
    in_step = next((one.predicted.user_data.get(IN_STEP) for one in examples), None)
    part = len(examples) / (in_step or len(examples))
    return value * part, ops.asarray2f(gradient * (part if alone else len(truths)))


def balanced(counts: Mapping[str, int], power: float) -> dict[str, float]:
    """Weights of labels: the inverse of their frequency to a power, 1 on average over documents."""
    raw = {label: count**-power for label, count in counts.items() if count}
    mean = sum(raw[label] * counts[label] for label in raw) / max(1, sum(counts.values()))
    return {label: weight / mean for label, weight in raw.items()}


def truths_of(cats: Sequence[dict[str, float]], labels: Sequence[str]) -> Floats:
    """Array (documents, labels): 1 right, 0 wrong, NaN unknown."""
    return np.array(
        [[of_doc.get(label, np.nan) for label in labels] for of_doc in cats], dtype=np.float32
    ).reshape(len(cats), len(labels))


def one_of(probabilities: Floats, truths: Floats, weights: Floats) -> tuple[float, Floats]:
    """Loss and gradient with respect to the softmax's inputs, a mean over documents."""
    right = truths == 1
    possible = np.where(right.any(axis=1, keepdims=True), right, truths != 0)
    possible |= ~possible.any(axis=1, keepdims=True)  # all wrong says nothing
    inside = np.where(possible, probabilities, 0)
    total = np.maximum(inside.sum(axis=1, keepdims=True), TINY)
    # A document weighs what its label does; one whose label is not known weighs 1.
    of_documents = np.where(right.any(axis=1), (right * weights).sum(axis=1), 1)[:, None]
    gradient = of_documents * (probabilities - inside / total) / len(truths)
    return float(-(of_documents * np.log(total)).mean()), gradient.astype(np.float32)


def any_of(probabilities: Floats, truths: Floats, weights: Floats) -> tuple[float, Floats]:
    """Loss and gradient with respect to the sigmoid's outputs, a mean over documents.

    thinc's Logistic multiplies by p(1 - p) on the way back; it is divided out here, which leaves
    p - y at its inputs.
    """
    known = ~np.isnan(truths)
    targets = np.where(known, truths, probabilities)
    clipped = np.clip(probabilities, TINY, 1 - TINY)
    each = np.where(truths == 1, weights, 1) / len(truths)
    gain = targets * np.log(clipped) + (1 - targets) * np.log(1 - clipped)
    gradient = each * (probabilities - targets) / (clipped * (1 - clipped))
    return float(-(each * gain)[known].sum()), gradient.astype(np.float32)
