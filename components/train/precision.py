"""Mixed precision as this machine has it, wherever a config sets mixed_precision.

thinc knows float16 on a GPU alone. bfloat16 has the range of float32, so gradients need no scaling:
it is taken on every GPU that has it, and on CPUs with instructions for it, where training is about
one and a half times as fast. There, evaluation stays in full precision, as in `spacy.load`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from spacy.language import Language
from thinc.api import PyTorchShim
from transformers.utils.generic import ModelOutput

from components.train.snapshot import nodes

# oneDNN keeps what it made for 1,024 shapes of arrays, 2 MB a step here; few come again.
SHAPES = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}


def precision() -> tuple[str, torch.dtype]:
    """The device that has mixed precision here, and its type; float32 where none has."""
    if torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "cuda", torch.bfloat16 if native else torch.float16
    able = torch.cpu.get_capabilities()
    return "cpu", torch.bfloat16 if able["avx512_bf16"] or able["amx_bf16"] else torch.float32


@contextmanager
def mixed_precision(nlp: Language, say: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, modules with mixed_precision train in the type that this machine has."""
    shims = [shim for _, shim in nodes(nlp) if isinstance(shim, PyTorchShim)]
    shims = [shim for shim in shims if shim._mixed_precision]
    if not shims:
        yield
        return
    device, kind = precision()
    say(f"Mixed precision: {str(kind).removeprefix('torch.')}")
    with ExitStack() as stack:
        if device == "cuda":
            stack.enter_context(default_type(kind))
        for shim in shims:
            if kind != torch.float16:
                stack.enter_context(changed(shim._grad_scaler, "_enabled", False))
            if device == "cpu":
                os.environ |= SHAPES
                stack.enter_context(changed(shim, "_mixed_precision", False))
                stack.enter_context(cast_forward(shim._model, kind))
        yield


@contextmanager
def default_type(kind: torch.dtype) -> Iterator[None]:
    """Make a type the one that autocast takes on a GPU: thinc takes whichever it is."""
    before = torch.get_autocast_dtype("cuda")
    torch.set_autocast_dtype("cuda", kind)
    try:
        yield
    finally:
        torch.set_autocast_dtype("cuda", before)


@contextmanager
def changed(thing: Any, name: str, value: Any) -> Iterator[None]:
    """Change an attribute for a while."""
    before = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        setattr(thing, name, before)


@contextmanager
def cast_forward(module: Any, kind: torch.dtype) -> Iterator[None]:
    """Let a module train in another type on the CPU; what it returns is float32."""
    before = module.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", kind, enabled=module.training and kind != torch.float32):
            output = before(*args, **kwargs)
        if isinstance(output, ModelOutput):
            return type(output)(**{key: full(value) for key, value in output.items()})
        return full(output)

    module.forward = forward
    try:
        yield
    finally:
        del module.forward


def full(value: Any) -> Any:
    """A tensor, or several, as float32."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.float()
    return tuple(map(full, value)) if isinstance(value, tuple) else value


@contextmanager
def apart(nlp: Language) -> Iterator[None]:
    """Keep the gradients of earlier parts of a batch away while another part adds its own.

    thinc takes the scale off all gradients that a module has after each backward pass: those of
    earlier parts would lose it twice, and with it what they have learnt.
    """
    before = [
        (parameter, parameter.grad)
        for _, shim in nodes(nlp)
        if isinstance(shim, PyTorchShim) and shim._grad_scaler._enabled
        for parameter in shim._model.parameters()
        if parameter.grad is not None
    ]
    for parameter, _ in before:
        parameter.grad = None
    yield
    for parameter, gradient in before:
        parameter.grad = gradient if parameter.grad is None else gradient + parameter.grad
