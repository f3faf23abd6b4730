"""Calibration: fitted on dev, folded into the weights of spaCy's own components."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from components.tasks.temperature import temperature
from components.tasks.textcat.calibrate import calibrate, calibrated_scores, platt

LABELS = ["A", "B", "C"]


def classifier(factory: str) -> Language:
    """A pipeline of random weights that reads words."""
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": factory == "textcat",
        "use_reduce_first": False,
        "use_reduce_last": False,
        "use_reduce_max": False,
        "use_reduce_mean": True,
        "tok2vec": {
            "@architectures": "spacy.HashEmbedCNN.v2",
            "pretrained_vectors": None,
            "width": 16,
            "depth": 1,
            "embed_size": 100,
            "window_size": 1,
            "maxout_pieces": 2,
            "subword_features": True,
        },
    }
    pipe = nlp.add_pipe(factory, name="topic", config={"model": model})
    for label in LABELS:
        pipe.add_label(label)
    nlp.initialize()
    layer = pipe.model.get_ref("output_layer")
    rng = np.random.default_rng(1)
    layer.set_param("W", rng.normal(size=layer.get_param("W").shape).astype("f"))
    return nlp


def examples(nlp: Language, count: int) -> list[Example]:
    """Predicted documents whose answers follow the predictions, less surely than they say."""
    rng = np.random.default_rng(0)
    made = []
    for doc in nlp.pipe(f"page {number} of {rng.integers(9)}" for number in range(count)):
        label = max(doc.cats, key=lambda name: doc.cats[name])
        if rng.random() < 0.4:
            label = str(rng.choice(LABELS))
        gold = nlp.make_doc(doc.text)
        gold.cats = {name: float(name == label) for name in LABELS}
        made.append(Example(doc, gold))
    return made


def logits_of(nlp: Language, text: str) -> np.ndarray:
    cats = nlp(text).cats
    return np.log([cats[label] for label in LABELS])


def test_the_temperature_lies_in_the_weights_of_a_saved_pipeline(tmp_path: Path) -> None:
    nlp = classifier("textcat")
    before = logits_of(nlp, "page 3 of 4")
    result = calibrate(nlp.get_pipe("topic"), examples(nlp, 200))
    assert result["documents"] == 200
    heat = result["temperature"]
    assert heat > 1.2
    nlp.to_disk(tmp_path / "model")
    after = logits_of(spacy.load(tmp_path / "model"), "page 3 of 4")
    expected = before / heat - np.log(np.exp(before / heat).sum())
    np.testing.assert_allclose(after, expected, atol=1e-4)


def test_slope_and_offset_of_a_label_lie_in_the_weights() -> None:
    nlp = classifier("textcat_multilabel")
    cats = nlp("page 3 of 4").cats
    result = calibrate(nlp.get_pipe("topic"), examples(nlp, 200))
    for label in LABELS:
        odds = np.log(cats[label] / (1 - cats[label]))
        fitted = result["labels"][label]
        expected = 1 / (1 + np.exp(-(fitted["slope"] * odds + fitted["offset"])))
        assert nlp("page 3 of 4").cats[label] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("documents", [200, 99])
def test_calibrated_scores_are_those_of_the_calibrated_model(documents: int) -> None:
    nlp = classifier("textcat_multilabel")
    given = examples(nlp, documents)
    before = np.array([[one.predicted.cats[label] for label in LABELS] for one in given])
    said = calibrated_scores(before, LABELS, calibrate(nlp.get_pipe("topic"), given))
    after = [nlp(one.reference.text).cats for one in given]
    expected = [[cats[label] for label in LABELS] for cats in after]
    np.testing.assert_allclose(said, expected, atol=1e-5)


def test_few_documents_are_not_enough() -> None:
    nlp = classifier("textcat")
    before = logits_of(nlp, "page")
    assert "100 are needed" in calibrate(nlp.get_pipe("topic"), examples(nlp, 99))["not_calibrated"]
    np.testing.assert_array_equal(logits_of(nlp, "page"), before)


def test_a_temperature_is_found_again() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(scale=2, size=(4000, 3))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((4000, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    truths = np.eye(3)[labels]
    assert temperature(logits * 2.5, truths) == pytest.approx(2.5, rel=0.1)
    # The same from yes-or-no questions: one label is known wrong, or the answer is known.
    asked = rng.integers(3, size=4000)
    partly = np.full((4000, 3), np.nan)
    rows = np.arange(4000)
    partly[rows, asked] = truths[rows, asked]
    assert temperature(logits * 2.5, partly) == pytest.approx(2.5, rel=0.15)


def test_a_curve_that_would_turn_answers_round_is_not_taken() -> None:
    logits = np.linspace(-3, 3, 60)
    assert platt(logits, (logits < 0).astype(float)) == (1.0, 0.0)
    assert platt(logits, np.ones(60)) == (1.0, 0.0)
