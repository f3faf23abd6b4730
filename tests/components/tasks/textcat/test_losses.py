"""Losses of text classifiers: what is unknown is not learnt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import spacy
from spacy.training import Example

from components.tasks.base import IN_STEP
from components.tasks.textcat.losses import any_of, balanced, loss, one_of, truths_of

LABELS = ["A", "B", "C"]
EVEN = np.ones(3, np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def measured(function: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """The gradient of a function by small differences."""
    gradient = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = 1e-5
        gradient[place] = (function(at + step) - function(at - step)) / 2e-5
    return gradient


CASES = [
    {"A": 1.0, "B": 0.0, "C": 0.0},  # known
    {"B": 0.0},  # rejected
    {"A": 0.0, "B": 0.0},  # two rejected
    {},  # unknown
]


@pytest.mark.parametrize("weights", [EVEN, np.array([0.5, 2.0, 1.0], np.float32)])
def test_gradients_are_those_of_the_losses(weights: np.ndarray) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3))
    truths = truths_of(CASES, LABELS)
    _, exclusive = one_of(softmax(logits), truths, weights)
    expected = measured(lambda z: one_of(softmax(z), truths, weights)[0], logits)
    np.testing.assert_allclose(exclusive, expected, atol=1e-6)
    chances = sigmoid(logits)
    _, several = any_of(chances, truths, weights)
    expected = measured(lambda z: any_of(sigmoid(z), truths, weights)[0], logits)
    np.testing.assert_allclose(several * chances * (1 - chances), expected, atol=1e-6)


def test_a_known_label_is_cross_entropy_and_an_unknown_one_nothing() -> None:
    chances = np.array([[0.2, 0.7, 0.1]])
    value, gradient = one_of(chances, truths_of([{"A": 1.0}], LABELS), EVEN)
    assert value == pytest.approx(-np.log(0.2))
    np.testing.assert_allclose(gradient, [[-0.8, 0.7, 0.1]], atol=1e-6)
    value, gradient = one_of(chances, truths_of([{}], LABELS), EVEN)
    assert value == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_a_rejected_label_is_one_of_the_others() -> None:
    chances = np.array([[0.2, 0.7, 0.1]])
    value, gradient = one_of(chances, truths_of([{"B": 0.0}], LABELS), EVEN)
    assert value == pytest.approx(-np.log(0.3))
    assert gradient[0, 1] > 0 > gradient[0, 0]


def test_balanced_weights_are_one_on_average() -> None:
    counts = {"A": 90, "B": 10, "C": 0}
    weights = balanced(counts, 0.5)
    assert weights["B"] == pytest.approx(3 * weights["A"])
    assert sum(counts[label] * weights[label] for label in weights) == pytest.approx(100)
    assert balanced({"A": 5, "B": 1}, 0.0) == {"A": 1.0, "B": 1.0}


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("factory", ["textcat", "textcat_multilabel"])
def test_a_step_in_parts_is_the_step_as_a_whole(factory: str, alone: bool) -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory)
    for label in LABELS:
        pipe.add_label(label)  # type: ignore[attr-defined]
    examples = []
    for cats in CASES:
        reference = nlp.make_doc("It costs £3.")
        reference.cats = dict(cats)
        examples.append(Example(nlp.make_doc(reference.text), reference))
    scores = softmax(np.random.default_rng(0).normal(size=(4, 3))).astype(np.float32)

    def of(start: int, end: int) -> tuple[float, np.ndarray]:
        return loss(pipe, examples[start:end], scores[start:end], weights=EVEN, alone=alone)  # type: ignore[arg-type]

    value, gradient = of(0, 4)
    for example in examples:
        example.predicted.user_data[IN_STEP] = 4
    parts = [of(0, 1), of(1, 4)]
    assert sum(part[0] for part in parts) == pytest.approx(value)
    np.testing.assert_allclose(np.concatenate([part[1] for part in parts]), gradient, rtol=1e-5)
