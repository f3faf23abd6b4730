"""The update of a transformer with one softmax per token, as one computation in PyTorch.

spaCy hands a batch from component to component as lists of documents, with a copy, an alignment and
a check of each at every step. Where all that learns is a transformer and a tagger on top of it (see
tokens), the same gradients follow from a few operations on the whole batch. Weights, gradients and
optimiser stay where spaCy has them.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline import Tagger
from spacy.training import Example
from spacy_transformers import Transformer
from thinc.api import torch2xp, xp2torch
from torch.nn.functional import cross_entropy, embedding_bag, linear
from transformers.utils.generic import ModelOutput

from components.train.encodings import NUMBER, Encodings

UNKNOWN = -100  # what cross_entropy leaves out
LAYERS = [  # of spacy.Tagger.v2 over a transformer, pooled by the mean
    "transformer-listener>>trfs2arrays>>with_array(softmax)",
    "transformer-listener>>trfs2arrays",
    "with_array(softmax)",
    "transformer-listener",
    "trfs2arrays",
    "softmax",
    "reduce_mean",
]


class Direct:
    """The update of one pipeline.

    Args:
        tagger: a tagger that listens to the transformer of the encodings.
    """

    def __init__(self, transformer: Transformer, tagger: Any, encodings: Encodings) -> None:
        self.transformer = transformer
        self.tagger = tagger
        self.encodings = encodings
        self.softmax = tagger.model.get_ref("softmax")
        self.numbers = {label: number for number, label in enumerate(tagger.labels)}
        self.gold: dict[int, NDArray[np.int64]] = {}

    def can(self, examples: list[Example]) -> bool:
        """Whether the word pieces of all of these are kept."""
        return self.encodings.has(example.predicted for example in examples)

    def update(self, examples: list[Example], losses: dict[str, Any]) -> None:
        """Add up the gradients of a batch, and its losses, as `Language.update` does."""
        word_pieces, align, _ = self.encodings.batch([example.predicted for example in examples])
        output, backward = self.transformer.model.layers[0](word_pieces, True)
        hidden = output.last_hidden_state.detach().requires_grad_()
        weights = [self.parameter("W"), self.parameter("b")]
        scores = linear(pooled(hidden, align), *weights)
        gold = sent(np.concatenate([self.labels(one) for one in examples]), scores.device)
        loss: Any = cross_entropy(scores, gold, ignore_index=UNKNOWN, reduction="sum")
        loss.backward()
        for name, weight in zip("Wb", weights, strict=True):
            self.softmax.inc_grad(name, torch2xp(weight.grad))
        add(losses, self.tagger.name, squares(scores.detach(), gold))
        add(losses, self.transformer.name, (hidden.grad**2).sum())
        backward(cast(Any, ModelOutput)(last_hidden_state=hidden.grad))

    def parameter(self, name: str) -> Any:
        """A parameter of the softmax as a tensor that shares its memory."""
        return cast(Any, xp2torch)(self.softmax.get_param(name), requires_grad=True)

    def labels(self, example: Example) -> NDArray[np.int64]:
        """The number of each token's tag."""
        number = example.predicted.user_data[NUMBER]
        if number not in self.gold:
            tags = cast(list[str | None], example.get_aligned("TAG", as_string=True))
            tag_ids = [self.numbers.get(tag or "", UNKNOWN) for tag in tags]
            self.gold[number] = np.array(tag_ids, np.int64)
        return self.gold[number]


def find_direct(nlp: Language, encodings: Encodings, settings: dict[str, Any]) -> Direct | None:
    """The direct update of a pipeline; None where it has to be spaCy's own."""
    learning = [pipe for _, pipe in nlp.pipeline if getattr(pipe, "is_trainable", False)]
    if settings["frozen_components"] or settings["annotating_components"] or len(learning) != 2:
        return None
    transformer, tagger = cast(list[Any], learning)
    fits = (
        type(transformer) is Transformer
        and transformer.model is encodings.model
        and type(tagger) is Tagger
        and [node.name for node in tagger.model.walk()] == LAYERS
        and tagger.model.get_ref("tok2vec").layers[1].attrs["grad_factor"] == 1
        and not tagger.cfg["label_smoothing"]
        and not any(label.startswith(tagger.cfg["neg_prefix"]) for label in tagger.labels)
    )
    return Direct(transformer, tagger, encodings) if fits else None


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


def sent(numbers: NDArray[np.int64], device: torch.device) -> Any:
    """Numbers as a tensor on a device; on the way to a GPU nothing waits for them."""
    tensor = torch.from_numpy(numbers)
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def squares(scores: Any, gold: Any) -> Any:
    """The loss as thinc counts it: squared distances from the truth."""
    known = gold != UNKNOWN
    chances = torch.softmax(scores[known], dim=1)
    chances[torch.arange(len(chances), device=scores.device), gold[known]] -= 1
    return (chances**2).sum()


def add(losses: dict[str, Any], name: str, loss: Any) -> None:
    """Add to a loss, on the device: to read it would wait for it."""
    losses[name] = losses.get(name, 0.0) + loss
