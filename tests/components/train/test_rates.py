"""Heads learn faster than the transformer below them, whoever takes the optimiser's step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import Linear, Model, PyTorchWrapper, chain

from components.train.adam import finish_update
from components.train.rates import create_adam


@pytest.fixture
def model() -> Model[Any, Any]:
    """A module of PyTorch below a layer of thinc, each with a gradient of ones."""
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(4, 4, bias=False))
    made: Model[Any, Any] = chain(PyTorchWrapper(body), Linear(3, 4))
    made.initialize()
    for parameter in body.parameters():
        parameter.grad = torch.ones_like(parameter)
    head = made.layers[1]
    for name in head.param_names:
        head.set_grad(name, np.ones_like(head.get_param(name)))
    return made


def weights(model: Model[Any, Any]) -> tuple[Any, Any]:
    """Those of the module and those of the head."""
    body = model.layers[0].shims[0]._model[0].weight
    return body.detach().numpy().copy(), model.layers[1].get_param("W").copy()


@pytest.mark.parametrize("own_loop", [True, False])
def test_a_head_moves_by_its_own_rate(model: Model[Any, Any], own_loop: bool) -> None:
    optimizer = create_adam(0.001, head_rate=10.0, use_averages=False)
    before = weights(model)
    if own_loop:
        finish_update(model, optimizer)
    else:
        model.finish_update(optimizer)
    moved = [one - two for one, two in zip(before, weights(model), strict=True)]
    # Adam's first step is as long as the rate.
    assert moved[0] == pytest.approx(0.001, rel=1e-3)
    assert moved[1] == pytest.approx(0.01, rel=1e-3)


def test_the_rate_of_a_head_follows_the_schedule(model: Model[Any, Any]) -> None:
    optimizer = create_adam(iter([0.001, 0.0]), head_rate=10.0, use_averages=False)
    optimizer.step_schedules()
    before = weights(model)
    finish_update(model, optimizer)
    for one, two in zip(before, weights(model), strict=True):
        assert np.array_equal(one, two)
