"""A transformer reads the spans of a very long text in parts where it predicts.

spacy-transformers gives all spans of a batch to PyTorch at once, and a text is never parted between
batches: one log file of 27,000 words in an export took more than 5 GB. Spans know nothing of each
other, so that the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from spacy.language import Language
from thinc.api import Model

MOST_PIECES = 32_000  # padded, read at once: about half a GB with roberta-base


@contextmanager
def reading_in_parts(nlp: Language) -> Iterator[None]:
    """While this lasts, the transformers of a pipeline predict at most MOST_PIECES at once."""
    modules = [
        shim._model
        for _, pipe in nlp.pipeline
        if isinstance(model := getattr(pipe, "model", None), Model)
        for node in model.walk()
        for shim in node.shims
        if hasattr(shim, "_hfmodel")  # a transformer, whether or not its package is imported here
    ]
    before = [(module, vars(module).get("forward")) for module in modules]
    for module in modules:
        module.forward = InParts(module, module.forward)
    try:
        yield
    finally:
        for module, own in before:
            if own is None:
                del module.forward
            else:
                module.forward = own


@dataclass
class InParts:
    """The forward pass of a module over arrays (spans, pieces), a few spans at a time."""

    module: Any
    forward: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ids = kwargs.get("input_ids")
        if self.module.training or ids is None or args or ids.numel() <= MOST_PIECES:
            return self.forward(*args, **kwargs)
        spans = max(1, MOST_PIECES // ids.shape[1])
        parts = [
            self.forward(
                **{
                    name: value[start : start + spans] if is_by_span(value, ids) else value
                    for name, value in kwargs.items()
                }
            )
            for start in range(0, len(ids), spans)
        ]
        from transformers.utils.generic import ModelOutput

        return cast(Any, ModelOutput)(
            {name: joined([part[name] for part in parts]) for name in parts[0]}
        )


def joined(parts: list[Any]) -> Any:
    """Arrays one after the other; of tuples of arrays each by itself."""
    from torch import cat

    if isinstance(parts[0], tuple):
        return tuple(map(joined, map(list, zip(*parts, strict=True))))
    return cat(parts)


def is_by_span(value: Any, ids: Any) -> bool:
    """Whether an argument has a row for each span."""
    return getattr(value, "ndim", 0) > 0 and len(value) == len(ids)
