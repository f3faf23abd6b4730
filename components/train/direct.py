"""The update of a transformer and the heads on it, as one computation in PyTorch.

spaCy hands a batch from component to component as lists of documents, with a copy, an alignment and
a check of each at every step. Where all that learns is a transformer and heads of one layer on top
of it (see direct_heads), the same gradients follow from a few operations on the whole batch.
Weights, gradients and optimiser stay where spaCy has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from spacy.language import Language
from spacy.training import Example
from spacy_transformers import Transformer
from thinc.api import torch2xp, xp2torch
from torch.nn.functional import embedding_bag
from transformers.utils.generic import ModelOutput

from components.train.direct_heads import Head, add, head_of, sent
from components.train.encodings import Encodings


class Direct:
    """The update of one pipeline.

    Args:
        heads: what listens to the transformer of the encodings.
        factors: how much of each head's gradient goes to the transformer.
    """

    def __init__(
        self,
        transformer: Transformer,
        heads: Sequence[Head],
        factors: Sequence[float],
        encodings: Encodings,
    ) -> None:
        self.transformer = transformer
        self.heads, self.factors = heads, factors
        self.encodings = encodings

    def can(self, examples: list[Example]) -> bool:
        """Whether the word pieces of all of these are kept."""
        return self.encodings.has(example.predicted for example in examples)

    def update(self, examples: list[Example], losses: dict[str, Any]) -> None:
        """Add up the gradients of a batch, and its losses, as `Language.update` does.

        The transformer's loss is the squared gradient that it gets from all heads together; spaCy
        adds up the squares of each head's.
        """
        word_pieces, align, _ = self.encodings.batch([example.predicted for example in examples])
        output, backward = self.transformer.model.layers[0](word_pieces, True)
        hidden = output.last_hidden_state.detach().requires_grad_()
        tokens = pooled(hidden, align)
        weights = [{name: parameter(head.layer, name) for name in "Wb"} for head in self.heads]
        each = [
            head.loss(examples, heard(tokens, factor), own, losses)
            for head, own, factor in zip(self.heads, weights, self.factors, strict=True)
        ]
        sum(each).backward()
        for head, own in zip(self.heads, weights, strict=True):
            for name, weight in own.items():
                head.layer.inc_grad(name, torch2xp(weight.grad))
        add(losses, self.transformer.name, (hidden.grad**2).sum())
        backward(cast(Any, ModelOutput)(last_hidden_state=hidden.grad))


def parameter(layer: Any, name: str) -> Any:
    """A parameter of a layer as a tensor that shares its memory."""
    return cast(Any, xp2torch)(layer.get_param(name), requires_grad=True)


def find_direct(nlp: Language, encodings: Encodings, settings: dict[str, Any]) -> Direct | None:
    """The direct update of a pipeline; None where it has to be spaCy's own."""
    learning: list[Any] = [pipe for _, pipe in nlp.pipeline if getattr(pipe, "is_trainable", False)]
    if settings["frozen_components"] or settings["annotating_components"] or len(learning) < 2:
        return None
    transformer, *pipes = learning
    if type(transformer) is not Transformer or transformer.model is not encodings.model:
        return None
    heads = [head for pipe in pipes if (head := head_of(pipe))]
    if len(heads) < len(pipes):
        return None
    return Direct(transformer, heads, list(map(gradient_factor, pipes)), encodings)


def gradient_factor(pipe: Any) -> float:
    """How much of a head's gradient goes to the transformer."""
    [arrays] = (node for node in pipe.model.walk() if node.name == "trfs2arrays")
    return float(arrays.attrs["grad_factor"])


def heard(tokens: Any, factor: float) -> Any:
    """The same vectors, of whose gradient so much goes back."""
    return tokens if factor == 1 else tokens * factor + tokens.detach() * (1 - factor)


def pooled(hidden: Any, align: Any) -> Any:
    """The mean of the pieces of each token; zeros for a token without.

    Args:
        hidden: output of the transformer, spans x pieces x width.

    Returns:
        tokens x width.
    """
    places = sent(align.dataXd.astype(np.int64), hidden.device)
    starts = sent(np.cumsum(align.lengths, dtype=np.int64) - align.lengths, hidden.device)
    return embedding_bag(places, hidden.reshape(-1, hidden.shape[-1]), starts, mode="mean")
