"""What a span categoriser learns from, and what nobody said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.pipeline import SpanCategorizer
from spacy.tokens import Span
from spacy.training import Example

from components.tasks.spans.losses import loss, truths_of

LABELS = ["CUE", "SCOPE"]
SUGGESTER = {"@misc": "spacy.ngram_suggester.v1", "sizes": [1, 2]}


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("spancat", config={"spans_key": "spans", "suggester": SUGGESTER})
    for label in LABELS:
        pipe.add_label(label)  # type: ignore[attr-defined]
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("no fever"), {})])
    return nlp


def example(nlp: Language, groups: dict[str, Any], **user_data: Any) -> Example:
    """Of the runs "no", "fever" and "no fever"."""
    doc = nlp.make_doc("no fever")
    for name, spans in groups.items():
        doc.spans[name] = [Span(doc, start, end, label) for start, end, label in spans]
    doc.user_data.update(user_data)
    return Example(nlp.make_doc("no fever"), doc)


def truths(nlp: Language, one: Example) -> list[list[float]]:
    pipe = nlp.get_pipe("spancat")
    assert isinstance(pipe, SpanCategorizer)
    runs = pipe.suggester([one.predicted], ops=pipe.model.ops)
    return truths_of(pipe, [one], runs, "spans").tolist()


BOTH = {"spans": [(0, 1, "CUE"), (0, 2, "SCOPE"), (0, 2, "CUE")]}
NAN = pytest.approx(float("nan"), nan_ok=True)


def test_what_is_not_marked_is_wrong(nlp: Language) -> None:
    assert truths(nlp, example(nlp, BOTH)) == [[1, 0], [0, 0], [1, 1]]
    assert truths(nlp, example(nlp, {"spans": []})) == [[0, 0]] * 3


def test_what_nobody_said_is_not_learnt(nlp: Language) -> None:
    unanswered = example(nlp, {}, unanswered=["spans"])
    assert truths(nlp, unanswered) == [[NAN, NAN]] * 3
    one_label = example(nlp, {"spans": [(0, 1, "CUE")]}, known={"spans": ["CUE"]})
    assert truths(nlp, one_label) == [[1, NAN], [0, NAN], [0, NAN]]
    answers = {"spans": [(0, 1, "CUE")], "spans:incorrect": [(0, 2, "SCOPE")]}
    yes_or_no = example(nlp, answers, known={"spans": []})
    assert truths(nlp, yes_or_no) == [[1, NAN], [NAN, NAN], [NAN, 0]]


def test_the_gradient_is_that_of_cross_entropy(nlp: Language) -> None:
    """At the inputs of the logistic: p - y where something is known, else nothing."""
    pipe = nlp.get_pipe("spancat")
    assert isinstance(pipe, SpanCategorizer)
    both = [example(nlp, BOTH), example(nlp, {}, unanswered=["spans"])]
    runs = pipe.suggester([one.predicted for one in both], ops=pipe.model.ops)
    said = np.linspace(0.1, 0.9, 12, dtype=np.float32).reshape(6, 2)
    value, gradient = loss(pipe, both, (runs, said), task="spans")
    gold = np.array([[1, 0], [0, 0], [1, 1]])
    assert gradient[3:] == pytest.approx(np.zeros((3, 2)))
    assert (gradient * said * (1 - said))[:3] == pytest.approx(said[:3] - gold, abs=1e-5)
    chances = np.where(gold == 1, said[:3], 1 - said[:3])
    assert value == pytest.approx(-np.log(chances).sum(), rel=1e-5)


def test_a_label_of_dev_that_train_had_not_is_none_of_the_pipelines(nlp: Language) -> None:
    assert truths(nlp, example(nlp, {"spans": [(0, 1, "CUE"), (0, 2, "RARE")]}))[2] == [0, 0]
