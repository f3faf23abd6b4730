"""The floor: a linear model on TF-IDF, learnt in seconds, that a neural network has to beat.

A logistic regression for each label over words, pairs of words and pieces of words of 2 to 5
letters (scikit-learn). It is scored on the same documents and is never put into production.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.records.prediction import Prediction
from components.tasks.textcat.losses import truths_of
from components.tasks.textcat.training import thresholds

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from components.tasks.textcat import Kind

NAME = "logistic regression on TF-IDF of words and characters"
# So that it stays a matter of seconds, whatever the corpus.
MOST_DOCUMENTS = 20_000
MOST_CHARACTERS = 2_000
Floats = NDArray[np.float64]


def floor(
    task: Kind, train: Sequence[Doc], dev: Sequence[Doc], test: Sequence[Prediction]
) -> list[Prediction]:
    """Learn a floor on train and say what it predicts of test.

    Thresholds of labels that do not exclude each other are chosen on dev, as the model's are.
    """
    if len(train) > MOST_DOCUMENTS:
        train = random.Random(0).sample(train, MOST_DOCUMENTS)  # noqa: S311
    labels = task.labels
    learnt = Linear([doc.text for doc in train], truths_of([doc.cats for doc in train], labels))
    beside = type(task)(task.described)
    if not task.exclusive and dev:
        truths = truths_of([doc.cats for doc in dev], labels)
        said = learnt.said([doc.text for doc in dev])
        beside.thresholds = thresholds(said, truths, labels, task.precision)
    said = learnt.said([one.text for one in test])
    if task.exclusive:
        said = said / np.maximum(said.sum(axis=1, keepdims=True), 1e-9)
    return [
        predicted(beside, one, dict(zip(labels, map(float, row), strict=True)))
        for one, row in zip(test, said, strict=True)
    ]


def predicted(task: Kind, asked: Prediction, said: dict[str, float]) -> Prediction:
    """What these probabilities say of a document, scored as those of a model are."""
    known = {label: float(label in asked.gold) for label in task.labels}
    for label in asked.unknown:
        del known[label]
    return Prediction(
        task=asked.task,
        id=asked.id,
        text=asked.text,
        words=asked.words,
        gold=asked.gold,
        predicted=task.said(said, known),
        meta=asked.meta,
        scores=said,
        unknown=asked.unknown,
    )


class Linear:
    """A logistic regression for each label.

    Args:
        texts: to learn from; `truths` their labels, (documents, labels): 1, 0, and NaN where it is
            not known.
    """

    def __init__(self, texts: Sequence[str], truths: Any) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union

        shared = {"sublinear_tf": True, "dtype": np.float32}
        self.features = make_union(
            TfidfVectorizer(ngram_range=(1, 2), **shared),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **shared),
        )
        inputs = self.features.fit_transform([text[:MOST_CHARACTERS] for text in texts])
        self.each = [self.learnt(inputs, column) for column in truths.T]

    @staticmethod
    def learnt(inputs: Any, truths: Any) -> Any:
        """The regression of a label, or its only probability where one outcome is missing."""
        from sklearn.linear_model import LogisticRegression

        rows = np.flatnonzero(~np.isnan(truths))
        outcomes = truths[rows]
        if len(np.unique(outcomes)) < 2:
            return float(outcomes.mean()) if len(rows) else 0.0
        # Balanced: else rare labels are never said. liblinear gives the same result each time.
        regression = LogisticRegression(
            C=3.0, class_weight="balanced", solver="liblinear", random_state=0
        )
        return regression.fit(inputs[rows], outcomes)

    def said(self, texts: Sequence[str]) -> Floats:
        """Probability of each label, (documents, labels)."""
        inputs = self.features.transform([text[:MOST_CHARACTERS] for text in texts])
        columns = [
            np.full(len(texts), one) if isinstance(one, float) else one.predict_proba(inputs)[:, 1]
            for one in self.each
        ]
        return np.stack(columns, axis=1)
