"""The direct update gives the gradients of spaCy's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Config, Model

from components.tasks import tasks_of
from components.train.config import read_config
from components.train.direct import Direct, find_direct
from components.train.encodings import Encodings
from components.train.loop import resolve
from components.train.run import initialise
from tests.components.train.conftest import CONFIGS


@pytest.fixture
def trained(
    corpora: tuple[Path, Path], base_models: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Language, list[Example], dict[str, Any]]:
    """The pipeline of minilm-tokens.cfg, a batch and the training settings."""
    monkeypatch.setenv("RETRAIN_BASE_MODELS", str(base_models))
    config = Config().from_disk(
        CONFIGS / "minilm-tokens.cfg",
        interpolate=False,
        overrides={
            "components.transformer.model.name": "tiny/bert",
            # spaCy's own update has no mixed precision without a GPU.
            "components.transformer.model.mixed_precision": False,
        },
    )
    nlp, training = initialise(config, *corpora, use_gpu=-1)
    softmax = nlp.get_pipe("tags").model.get_ref("softmax")  # type: ignore[attr-defined]
    weights = np.random.default_rng(0).normal(0, 0.1, softmax.get_param("W").shape)
    softmax.set_param("W", weights.astype(np.float32))
    batch = list(training.train(nlp))[:12]
    reject(batch[3])
    unknown = Doc(nlp.vocab, words=["a", "\n", "b"])
    reference = Doc(nlp.vocab, words=["a", "\n", "b"], tags=["O", "", "B-MONEY"])
    return nlp, [*batch, Example(unknown, reference)], resolve(nlp).settings


def reject(example: Example) -> None:
    """Say of three spans of a document that they are wrong."""
    doc = example.reference
    doc.spans["incorrect_spans"] = [
        Span(doc, 0, 1, "MONEY"),
        Span(doc, 1, 3, "DATE"),
        Span(doc, len(doc) - 1, len(doc), "DATE"),
    ]


TASKS = [
    {"name": "entities", "kind": "ner", "labels": ["DATE", "MONEY"]},
    {"name": "topic", "kind": "textcat", "labels": ["tax", "visa", "rent"]},
    {"name": "status", "kind": "assertion", "of": "entities", "labels": ["past", "due"]},
    {"name": "flags", "kind": "textcat", "exclusive": False, "labels": ["urgent", "angry"]},
]
CATS: list[dict[str, float]] = [
    {"tax": 1.0, "visa": 0.0, "rent": 0.0, "urgent": 1.0, "angry": 0.0},
    {"visa": 0.0, "angry": 1.0},  # a rejected class, and one question of two
    {},
]


@pytest.fixture
def mixed(
    corpora: tuple[Path, Path], base_models: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Language, list[Example], dict[str, Any]]:
    """The pipeline of minilm-tasks.cfg with three heads, and a batch that leaves much unsaid."""
    monkeypatch.setenv("RETRAIN_BASE_MODELS", str(base_models))
    tasks = tasks_of(json.dumps(TASKS))
    config = read_config(
        (CONFIGS / "minilm-tasks.cfg").read_text(encoding="utf-8"),
        {
            "components.transformer.model.name": "tiny/bert",
            "components.transformer.model.mixed_precision": False,
            "components.topic.model.tok2vec.grad_factor": 0.5,
            "components.status.model.tok2vec.grad_factor": 3.0,
        },
        tasks,
    )
    nlp, training = initialise(config, *corpora, use_gpu=-1)
    for task in tasks:
        task.check_pipeline(nlp)
        task.before_training(nlp, {})
    draw = np.random.default_rng(0)
    layers = {
        "entities_tags": "softmax",
        "status": "scorer",
        "topic": "output_layer",
        "flags": "output_layer",
    }
    for name, layer in layers.items():
        node = nlp.get_pipe(name).model.get_ref(layer)  # type: ignore[attr-defined]
        for key in "Wb":
            drawn = draw.normal(0, 0.1, node.get_param(key).shape)
            node.set_param(key, drawn.astype(np.float32))
    batch = list(training.train(nlp))[:9]
    for number, example in enumerate(batch):
        example.reference.cats = CATS[number % len(CATS)]
        known = example.reference.ents[: number % 3]  # of others nobody knows the status
        example.reference.spans["status"] = [
            Span(example.reference, one.start, one.end, "past" if one.start % 2 else "due")
            for one in known
        ]
    reject(batch[4])
    words = ["a", "\n", "b"]
    unsaid = Example(Doc(nlp.vocab, words=words), Doc(nlp.vocab, words=words, tags=[""] * 3))
    return nlp, [*batch, unsaid], resolve(nlp).settings


def gradients(nlp: Language) -> list[Any]:
    """The gradients of all weights, which are forgotten."""
    copies = []
    for _, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        for node in model.walk() if isinstance(model, Model) else ():
            for shim in node.shims:
                copies += [p.grad.clone() for p in shim._model.parameters() if p.grad is not None]
                shim._model.zero_grad()
            for name in node.grad_names:
                copies.append(torch.from_numpy(node.get_grad(name).copy()))
                node.get_grad(name).fill(0)
    return copies


@pytest.mark.parametrize("pipeline", ["trained", "mixed"])
def test_same_gradients_and_losses(pipeline: str, request: pytest.FixtureRequest) -> None:
    nlp, batch, settings = request.getfixturevalue(pipeline)
    encodings = Encodings(nlp)
    encodings.add(batch)
    direct = find_direct(nlp, encodings, settings)
    assert direct
    assert direct.can(batch)
    with encodings.used():
        losses: list[dict[str, Any]] = [{}, {}]
        fix_random_seed(1)
        nlp.update(batch, sgd=False, losses=losses[0])  # type: ignore[arg-type]
        expected = gradients(nlp)
        fix_random_seed(1)
        direct.update(batch, losses[1])
        actual = gradients(nlp)
    assert len(actual) == len(expected) > 10
    for one, two in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)
    assert losses[0].keys() == losses[1].keys()
    # Of several heads spaCy adds up the squares of each one's gradient, here they are of the sum.
    for name in losses[0].keys() - ({"transformer"} if pipeline == "mixed" else set()):
        assert float(losses[1][name]) == pytest.approx(float(losses[0][name]), rel=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"frozen_components": ["transformer"]},
        {"annotating_components": ["tags"]},
    ],
)
def test_what_needs_spacys_own_update_gets_it(
    trained: tuple[Language, list[Example], dict[str, Any]], change: dict[str, Any]
) -> None:
    nlp, batch, settings = trained
    encodings = Encodings(nlp)
    assert find_direct(nlp, encodings, {**settings, **change}) is None
    direct = find_direct(nlp, encodings, settings)
    assert isinstance(direct, Direct)
    assert not direct.can(batch)
    nlp.get_pipe("tags").cfg["label_smoothing"] = 0.1  # type: ignore[attr-defined]
    assert find_direct(nlp, encodings, settings) is None
