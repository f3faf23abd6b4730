"""Mixed precision changes little, and nothing once training is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language

from components.train import precision
from components.train.precision import apart, mixed_precision
from tests.components.train.test_encodings import TEXTS, model_of, pipeline


@pytest.fixture
def nlp(base_models: Path) -> Language:
    return pipeline(base_models, mixed_precision=True)


def shim_of(nlp: Language) -> Any:
    return model_of(nlp).layers[0].shims[0]


def gradients(nlp: Language) -> list[Any]:
    """The gradients of the transformer for a batch, without dropout."""
    module = shim_of(nlp)._model
    for layer in module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    docs = [nlp.make_doc(text) for text in TEXTS]
    batch, backprop = model_of(nlp).begin_update(docs)
    rng = np.random.default_rng(0)
    d_output = [[rng.normal(size=data.tensors[0].shape).astype("f")] for data in batch.doc_data]
    backprop(batch.unsplit_by_doc(d_output))
    copies = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    return copies


def test_gradients_are_nearly_those_of_full_precision(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = [nlp.make_doc(text) for text in TEXTS]
    said: list[str] = []
    both = []
    for kind in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(precision, "precision", lambda kind=kind: ("cpu", kind))
        with mixed_precision(nlp, said.append):
            both.append(gradients(nlp))
            model_of(nlp).predict(docs)
    assert said == ["Mixed precision: float32", "Mixed precision: bfloat16"]
    full, mixed = (torch.cat([one.flatten() for one in each]) for each in both)
    assert mixed.dtype == torch.float32
    assert not torch.equal(full, mixed)
    assert torch.norm(full - mixed) < 0.05 * torch.norm(full)


def test_evaluation_is_that_of_the_saved_pipeline(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "precision", lambda: ("cpu", torch.bfloat16))
    docs = [nlp.make_doc(text) for text in TEXTS]
    before = model_of(nlp).predict(docs).model_output.last_hidden_state
    with mixed_precision(nlp, print):
        within = model_of(nlp).predict(docs).model_output.last_hidden_state
    assert torch.equal(within, before)


def test_everything_is_put_back(nlp: Language) -> None:
    shim, kind = shim_of(nlp), torch.get_autocast_dtype("cuda")
    forward, scaler = shim._model.forward, shim._grad_scaler._enabled
    with mixed_precision(nlp, print):
        assert shim._model.forward != forward
    assert shim._model.forward == forward
    assert shim._mixed_precision
    assert shim._grad_scaler._enabled == scaler
    assert torch.get_autocast_dtype("cuda") == kind


def test_without_mixed_precision_nothing_is_changed(base_models: Path) -> None:
    nlp, said = pipeline(base_models), list[str]()
    with mixed_precision(nlp, said.append):
        assert "forward" not in vars(shim_of(nlp)._model)
    assert said == []


def test_the_gpus_default_is_what_thinc_takes() -> None:
    before = torch.get_autocast_dtype("cuda")
    with precision.default_type(torch.bfloat16):
        assert torch.get_autocast_dtype("cuda") == torch.bfloat16
    assert torch.get_autocast_dtype("cuda") == before


def test_parts_of_a_batch_add_up_with_a_scaler(nlp: Language) -> None:
    shim = shim_of(nlp)
    shim._grad_scaler._enabled = True
    weights = list(shim._model.parameters())[:2]
    for number in (1.0, 2.0):
        with apart(nlp):
            assert all(weight.grad is None for weight in weights)
            weights[0].grad = torch.full_like(weights[0], number)
            if number == 1.0:
                weights[1].grad = torch.full_like(weights[1], number)
    assert torch.equal(weights[0].grad, torch.full_like(weights[0], 3.0))  # type: ignore[arg-type]
    assert torch.equal(weights[1].grad, torch.full_like(weights[1], 1.0))  # type: ignore[arg-type]
