"""thinc's Adam for the weights of PyTorch modules, all of them in a few fused calls.

thinc updates one array after the other in many passes over memory; PyTorch's fused AdamW does the
same arithmetic in one. Moments and counts stay in thinc's optimiser, so that nothing else notices.
Weights decay before the step instead of after it: a difference of the learning rate squared.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, cast

import torch
from thinc.api import Model, Optimizer, PyTorchShim, torch2xp, xp2torch
from torch.optim.adamw import adamw

Key = tuple[int, str]


def finish_update(model: Model[Any, Any], optimizer: Optimizer) -> None:
    """Update a model with its gradients, as `model.finish_update` does, and clear them."""
    for node in model.walk():
        for shim in node.shims:
            if isinstance(shim, PyTorchShim) and is_plain_adam(optimizer):
                update_module(shim, optimizer)
            else:
                cast(Any, shim).finish_update(optimizer)
        for name in node.param_names:
            if node.has_grad(name):
                weights, _ = optimizer((node.id, name), node.get_param(name), node.get_grad(name))
                node.set_param(name, weights)


def is_plain_adam(optimizer: Optimizer) -> bool:
    """Whether an optimiser does what fused AdamW does: no rectification, no averages."""
    return (
        not optimizer.use_radam
        and optimizer.averages is None
        and optimizer.b1 > 0
        and optimizer.b2 > 0
        and (optimizer.L2_is_weight_decay or optimizer.L2 == 0)
    )


@torch.no_grad()
def update_module(shim: PyTorchShim, optimizer: Optimizer) -> None:
    """Update the parameters of a PyTorch module that have a gradient."""
    named = {name: p for name, p in shim._model.named_parameters() if p.grad is not None}
    # A gradient that overflowed in mixed precision is skipped, and the scaler lowers its scale.
    if not shim._grad_scaler.found_inf:
        by_count = defaultdict(list)
        for name, parameter in named.items():
            key = (shim.id, name)
            by_count[optimizer.nr_update[key]].append((key, parameter))
        for count, group in by_count.items():
            update_group(optimizer, count, group)
    for parameter in named.values():
        parameter.grad = None
    cast(Any, shim._grad_scaler).update()


def update_group(optimizer: Optimizer, count: int, group: list[tuple[Key, Any]]) -> None:
    """Update parameters that have been updated `count` times before."""
    parameters = [parameter for _, parameter in group]
    gradients = [parameter.grad for parameter in parameters]
    clip(gradients, optimizer.grad_clip)
    adamw(
        parameters,
        gradients,
        [moment(optimizer.mom1, key, parameter) for key, parameter in group],
        [moment(optimizer.mom2, key, parameter) for key, parameter in group],
        [],
        [torch.tensor(float(count), device=parameter.device) for parameter in parameters],
        fused=True,
        amsgrad=False,
        beta1=optimizer.b1,
        beta2=optimizer.b2,
        lr=optimizer.learn_rate,
        weight_decay=optimizer.L2,
        # PyTorch adds it after the bias correction, thinc before.
        eps=optimizer.eps / (1 - optimizer.b2 ** (count + 1)) ** 0.5,
        maximize=False,
    )
    for key, _ in group:
        optimizer.nr_update[key] += 1


def clip(gradients: list[Any], threshold: float) -> None:
    """Scale down each gradient whose norm is above the threshold, as thinc does; 0: none."""
    if threshold:
        norms = torch._foreach_norm(gradients)
        scales = [(threshold / norm).clamp(max=1.0) for norm in norms]
        torch._foreach_mul_(gradients, scales)


def moment(moments: dict[Key, Any], key: Key, parameter: Any) -> Any:
    """A moment of a parameter: a tensor that shares its memory with the optimiser's array."""
    if key not in moments:
        moments[key] = torch2xp(torch.zeros(parameter.numel(), device=parameter.device))
    return xp2torch(moments[key]).view_as(parameter)
