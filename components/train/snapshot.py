"""Everything that learns in a pipeline, as named arrays: taken from a run and put back into one.

Arrays are raw weights, optimiser moments, averages, and the scale of a gradient scaler. A name says
where an array belongs by its position in the pipeline, because the ids that thinc gives its layers
differ from process to process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from numpy.typing import NDArray
from spacy.language import Language
from thinc.api import Model, Optimizer, PyTorchShim
from thinc.util import to_numpy as untyped_to_numpy

Arrays = dict[str, NDArray[Any]]
Counts = dict[str, dict[str, int]]

to_numpy = cast(Callable[[Any], NDArray[Any]], untyped_to_numpy)

MOMENTS = ("mom1", "mom2", "averages")
COUNTS = ("nr_update", "last_seen")


def nodes(nlp: Language) -> Iterator[tuple[str, Any]]:
    """Every layer and every PyTorch module of a pipeline, with a name that never changes."""
    for name, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        for index, layer in enumerate(model.walk() if isinstance(model, Model) else ()):
            yield f"{name}/{index}", layer
            for number, shim in enumerate(layer.shims):
                if isinstance(shim, PyTorchShim):
                    yield f"{name}/{index}.{number}", shim


def take(nlp: Language, optimizer: Optimizer) -> tuple[Arrays, Counts]:
    """Copy what a run has learnt.

    Returns:
        arrays, and the optimiser's count of updates by parameter.
    """
    arrays: Arrays = {}
    names: dict[int, str] = {}
    for name, node in nodes(nlp):
        names[node.id] = name
        for parameter, value in weights(node):
            arrays[f"weights/{name}/{parameter}"] = value
    for kind in MOMENTS:
        for (node_id, parameter), value in (getattr(optimizer, kind) or {}).items():
            arrays[f"{kind}/{names[node_id]}/{parameter}"] = to_numpy(value).copy()
    counts = {
        kind: {f"{names[key[0]]}/{key[1]}": n for key, n in getattr(optimizer, kind).items()}
        for kind in COUNTS
    }
    return arrays, counts


def weights(node: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """The weights of a layer or a PyTorch module, and the state of its gradient scaler."""
    if isinstance(node, PyTorchShim):
        for parameter, tensor in node._model.state_dict().items():
            yield parameter, tensor.detach().cpu().numpy().copy()
        scaler = node._grad_scaler
        yield ":scale", scaler._scale.cpu().numpy().copy()
        yield ":growth", scaler._growth_tracker.cpu().numpy().copy()
    else:
        for parameter in node.param_names:
            if node.has_param(parameter):
                yield parameter, to_numpy(node.get_param(parameter)).copy()


def put(nlp: Language, optimizer: Optimizer, arrays: Arrays, counts: Counts) -> None:
    """Put what `take` returned into a freshly initialised pipeline and optimiser."""
    ids: dict[str, int] = {}
    for name, node in nodes(nlp):
        ids[name] = node.id
        prefix = f"weights/{name}/"
        set_weights(
            node,
            {key[len(prefix) :]: value for key, value in arrays.items() if key.startswith(prefix)},
        )
    xp = cast(Any, next(iter(nodes(nlp)))[1]).ops.xp
    for key, value in arrays.items():
        kind, name, parameter = parts(key)
        if kind in MOMENTS:
            getattr(optimizer, kind)[(ids[name], parameter)] = xp.asarray(value)
    for kind in COUNTS:
        for key, count in counts[kind].items():
            _, name, parameter = parts(f"{kind}/{key}")
            getattr(optimizer, kind)[(ids[name], parameter)] = count


def set_weights(node: Any, values: Arrays) -> None:
    """Set the weights of a layer or a PyTorch module."""
    if isinstance(node, PyTorchShim):
        scaler = node._grad_scaler
        scaler._scale = torch.from_numpy(values.pop(":scale")).to(scaler._scale.device)
        scaler._growth_tracker = torch.from_numpy(values.pop(":growth")).to(scaler._scale.device)
        node._model.load_state_dict({name: torch.from_numpy(v) for name, v in values.items()})
    else:
        for parameter, value in values.items():
            node.set_param(parameter, node.ops.asarray(value))


def clear_gradients(nlp: Language) -> None:
    """Forget the gradients that have been added up so far."""
    for _, node in nodes(nlp):
        if isinstance(node, PyTorchShim):
            cast(Any, node._model).zero_grad()
        else:
            for parameter in node.grad_names:
                node.get_grad(parameter).fill(0)


def parts(key: str) -> tuple[str, str, str]:
    """Split "kind/pipe/index/parameter" into kind, "pipe/index" and parameter."""
    kind, pipe, index, parameter = key.split("/", 3)
    return kind, f"{pipe}/{index}", parameter
