"""What a loaded pipeline needs before it only predicts."""

from __future__ import annotations

from typing import Any

from spacy.language import Language
from thinc.api import NumpyOps, PyTorchShim, get_current_ops

from components.span_parts import read_in_parts

# Word pieces in one computation on a CPU, padding included: more gain nothing, and texts of very
# different lengths beside each other are mostly padding.
MOST_PIECES = 512


def settle(nlp: Language) -> None:
    """Make a pipeline fit for predictions on several threads, and for texts of any length."""
    read_in_parts(nlp)
    for _, component in nlp.pipeline:
        for layer in component.model.walk() if hasattr(component, "model") else ():
            for shim in layer.shims:
                if isinstance(shim, PyTorchShim):
                    never_train(shim)
    if nlp.has_pipe("transformer") and isinstance(get_current_ops(), NumpyOps):
        nlp.get_pipe("transformer").cfg["max_batch_items"] = MOST_PIECES  # type: ignore[attr-defined]


def never_train(shim: Any) -> None:
    """Keep a PyTorch module in evaluation mode for good.

    thinc puts it into training mode after each prediction, and so would give its dropout to a
    prediction that another thread is in the middle of.
    """
    module = shim._model.eval()
    module.train = lambda _mode=True: module


def use_bfloat16(nlp: Language) -> None:
    """Let a pipeline's transformer multiply in bfloat16; its results stay float32.

    An entity on the edge may come out differently: measure the model with it before you rely on it
    (docs/serving.md). A pipeline without a transformer stays as it is.
    """
    if not nlp.has_pipe("transformer"):
        return
    import torch

    transformer: Any = nlp.get_pipe("transformer").model.transformer  # type: ignore[attr-defined]
    for module in transformer.modules():
        if isinstance(module, torch.nn.Linear):
            module.to(torch.bfloat16)
    exact = transformer.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = exact(*args, **kwargs)
        for name, value in output.items():
            output[name] = single(value)
        return output

    transformer.forward = forward


def single(value: Any) -> Any:
    """The same numbers as float32, which the rest of a pipeline reads."""
    return tuple(map(single, value)) if isinstance(value, tuple) else value.float()
