"""The fused update is thinc's Adam."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from thinc.api import Adam, Model, PyTorchWrapper

from components.train.adam import finish_update


def module() -> Model[Any, Any]:
    """A PyTorch module in thinc's wrapper; the same each time."""
    torch.manual_seed(0)
    return PyTorchWrapper(torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Linear(16, 4)))


def parameters(model: Model[Any, Any]) -> list[Any]:
    shim: Any = model.shims[0]
    return list(shim._model.parameters())


@pytest.mark.parametrize("grad_clip", [0.0, 1.0])
def test_same_weights_moments_and_counts(grad_clip: float) -> None:
    models = [module(), module()]
    optimizers = [Adam(0.001, L2=0.01, grad_clip=grad_clip, use_averages=False) for _ in models]
    for step in range(20):
        for model in models:
            torch.manual_seed(step)
            # Some gradients are clipped, some are small enough for epsilon to matter.
            for parameter in parameters(model)[: 3 if step < 5 else 4]:
                parameter.grad = torch.randn_like(parameter) * 10.0 ** (-2 * (step % 5))
        models[0].finish_update(optimizers[0])
        finish_update(models[1], optimizers[1])
    for expected, actual in zip(*map(parameters, models), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)
        assert actual.grad is None
    for kind in ("mom1", "mom2"):
        moments = [
            {key[1]: torch.tensor(value) for key, value in getattr(optimizer, kind).items()}
            for optimizer in optimizers
        ]
        torch.testing.assert_close(moments[1], moments[0], rtol=1e-4, atol=1e-9)
    counts = [{key[1]: n for key, n in o.nr_update.items()} for o in optimizers]
    assert counts[0] == counts[1] == {"0.weight": 20, "0.bias": 20, "1.weight": 20, "1.bias": 15}


def test_averages_stay_with_thinc() -> None:
    model, optimizer = module(), Adam(0.001, use_averages=True)
    for parameter in parameters(model):
        parameter.grad = torch.ones_like(parameter)
    finish_update(model, optimizer)
    assert optimizer.averages is not None
    assert len(optimizer.averages) == 4
