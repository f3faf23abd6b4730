"""A transformer reads the spans of a very long text in parts where it predicts.

spacy-transformers pads all spans of a batch to the longest and gives them to PyTorch at once, and a
text is never parted between batches: one log file of 53,000 tokens in an export took 10 GB. Spans
know nothing of each other, so that the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

if TYPE_CHECKING:
    from components.word_pieces import Batch, WordPieces

MOST_PIECES = {"cpu": 4_000, "gpu": 32_000}  # padded, read at once; larger parts are no faster


def read_in_parts(nlp: Language) -> ExitStack:
    """From now on the transformers of a pipeline predict a few spans at a time.

    Returns:
        what ends it when it is closed.
    """
    stack = ExitStack()
    models = [
        node
        for _, pipe in nlp.pipeline
        if isinstance(model := getattr(pipe, "model", None), Model)
        for node in model.walk()
    ]
    for node in models:
        for shim in node.shims:
            if hasattr(shim, "_hfmodel"):  # a transformer
                module = shim._model
                stack.callback(setattr, module, "forward", module.forward)
                module.forward = InParts(module, module.forward)
        if "set_transformer" in node.attrs:  # one of spacy-transformers, which is late to import
            from components.word_pieces import WordPieces

            if (pieces := WordPieces(node)).known:
                stack.callback(setattr, node, "_func", node._func)
                node._func = cast(Any, Cut(pieces, node._func))
    return stack


@dataclass
class Cut:
    """What a transformer makes of documents whose word pieces are cut before they are padded."""

    pieces: WordPieces
    whole: Any

    def __call__(self, model: Model[Any, Any], docs: Sequence[Doc], is_train: bool) -> Batch:
        if not is_train and all(map(len, docs)):
            known = [encoding for _, encoding in self.pieces.of(docs) if encoding]
            if len(known) == len(docs):
                return self.pieces.forward(docs, known, is_train)
        return self.whole(model, docs, is_train)  # type: ignore[no-any-return]


@dataclass
class InParts:
    """The forward pass of a module over arrays (spans, pieces), a few spans at a time."""

    module: Any
    forward: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ids, mask = kwargs.get("input_ids"), kwargs.get("attention_mask")
        if self.module.training or args or ids is None or mask is None:
            return self.forward(*args, **kwargs)
        most = MOST_PIECES["cpu" if ids.device.type == "cpu" else "gpu"]
        if ids.numel() <= most:
            return self.forward(*args, **kwargs)
        from transformers.utils.generic import ModelOutput

        lengths = self.lengths(mask)
        outputs: dict[str, Any] = {}
        for spans in parts(lengths, most):
            width = int(lengths[spans].max())
            given = {
                name: value[spans, :width] if is_of_pieces(value, ids) else value
                for name, value in kwargs.items()
            }
            for name, part in self.forward(**given).items():
                outputs[name] = put(outputs.get(name), part, spans, ids.shape)
        return cast(Any, ModelOutput)(outputs)

    def lengths(self, mask: Any) -> Any:
        """How far each span has to be read: not into padding, if that is on the right."""
        right = bool(mask[:, 0].all()) and not self.module.config.output_attentions
        spans, pieces = mask.shape
        lengths = mask.sum(dim=1) if right else mask.new_full((spans,), pieces)
        return lengths.long()


def parts(lengths: Any, most: int) -> Iterator[Any]:
    """Groups of spans of like length, with at most so many padded pieces, or of one span."""
    first = 0
    order = lengths.argsort()
    longest = lengths[order].tolist()
    for place, length in enumerate(longest):
        if place > first and (place - first + 1) * length > most:
            yield order[first:place]
            first = place
    yield order[first:]


def is_of_pieces(value: Any, ids: Any) -> bool:
    """Whether an argument has an entry for each piece."""
    return bool(getattr(value, "shape", None) == ids.shape)


def put(whole: Any, part: Any, spans: Any, shape: Sequence[int]) -> Any:
    """Put an output of some spans where it belongs among those of all; made if it is not there yet.

    Args:
        part: an array (spans, pieces, width) or (spans, …), or a tuple of such.
        shape: spans and pieces of the whole.
    """
    if isinstance(part, tuple):
        each = whole or [None] * len(part)
        return tuple(put(*both, spans, shape) for both in zip(each, part, strict=True))
    of_pieces = part.ndim == 3
    if whole is None:
        size = shape if of_pieces else shape[:1]
        whole = part.new_zeros((*size, *part.shape[len(size) :]))
    if of_pieces:
        whole[spans, : part.shape[1]] = part
    else:
        whole[spans] = part
    return whole
