"""The heads that a direct update knows: a softmax per token, one layer over the mean of all tokens,
or over that of each annotated span.

Each gives, of the vectors of a batch's tokens, a number whose gradient is that of its loss, and the
layer whose weights it read: the same gradients as those of the component's own update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from spacy.pipeline import Tagger, TextCategorizer
from spacy.pipeline.spancat import SpanCategorizer
from spacy.training import Example
from thinc.api import torch2xp, xp2torch
from torch.nn.functional import cross_entropy, embedding_bag, linear

from components.tasks.rejections import (
    Rejected,
    inside_columns,
    is_taught,
    rejected_spans,
    rejection_loss,
)
from components.train.encodings import NUMBER

UNKNOWN = -100  # what cross_entropy leaves out
LISTENER = "transformer-listener>>trfs2arrays"
# The layers of what is over a listener that pools by the mean, by name.
OF_LISTENER = ["transformer-listener", "trfs2arrays", "reduce_mean"]
TAGGER = [  # of spacy.Tagger.v2
    f"{LISTENER}>>with_array(softmax)",
    LISTENER,
    "with_array(softmax)",
    "softmax",
]
ONE_OF = [  # of spacy.TextCatReduce.v1 with use_reduce_mean alone
    f"{LISTENER}>>list2ragged>>reduce_mean>>resizable(softmax)",
    f"{LISTENER}>>list2ragged>>reduce_mean",
    f"{LISTENER}>>list2ragged",
    LISTENER,
    "resizable(softmax)",
    "list2ragged",
    "reduce_mean",
    "softmax",
]
ANY_OF = [  # the same where a text may have any of the classes
    f"{LISTENER}>>list2ragged>>reduce_mean>>resizable(linear)>>logistic",
    f"{LISTENER}>>list2ragged>>reduce_mean>>resizable(linear)",
    f"{LISTENER}>>list2ragged>>reduce_mean",
    f"{LISTENER}>>list2ragged",
    LISTENER,
    "resizable(linear)",
    "list2ragged",
    "reduce_mean",
    "linear",
    "logistic",
]
OF_SPANS = [  # of spacy.SpanCategorizer.v1 with reduce_mean and one label for each span
    f"with_getitem({LISTENER}>>list2ragged)>>extract_spans>>reduce_mean>>softmax",
    f"with_getitem({LISTENER}>>list2ragged)",
    f"{LISTENER}>>list2ragged",
    LISTENER,
    "extract_spans",
    "list2ragged",
    "reduce_mean",
    "softmax",
]
Weights = Mapping[str, torch.Tensor]


class Head(Protocol):
    """A component that learns from the vectors of tokens.

    Attributes:
        layer: the one layer that it has of its own.
    """

    layer: Any

    def loss(
        self, examples: list[Example], tokens: Any, weights: Weights, losses: dict[str, Any]
    ) -> Any:
        """A number with the gradients of the loss; `losses` is added to as by `pipe.update`.

        Args:
            tokens: vectors of the tokens of all documents, tokens x width.
            weights: W and b of the layer.
        """
        ...


class TokenHead:
    """A tagger."""

    def __init__(self, tagger: Any) -> None:
        self.tagger = tagger
        self.layer = tagger.model.get_ref("softmax")
        self.numbers = {label: number for number, label in enumerate(tagger.labels)}
        self.gold: dict[int, NDArray[np.int64]] = {}
        self.unlearns = is_taught(tagger)
        self.wrong: dict[int, list[Rejected]] = {}

    def loss(
        self, examples: list[Example], tokens: Any, weights: Weights, losses: dict[str, Any]
    ) -> Any:
        scores = linear(tokens, weights["W"], weights["b"])
        gold = sent(np.concatenate([self.labels(one) for one in examples]), scores.device)
        add(losses, self.tagger.name, squares(scores.detach(), gold))
        loss = cross_entropy(scores, gold, ignore_index=UNKNOWN, reduction="sum")
        wrong = [self.rejected(one) for one in examples]
        if any(wrong):
            lengths = [len(one.predicted) for one in examples]
            more = rejection_loss(scores, inside_columns(self.numbers), wrong, lengths)
            add(losses, self.tagger.name, more.detach())
            loss = loss + more
        return loss

    def rejected(self, example: Example) -> list[Rejected]:
        """The spans of a document that annotators rejected."""
        number = example.predicted.user_data[NUMBER]
        if number not in self.wrong:
            self.wrong[number] = rejected_spans(example, self.numbers) if self.unlearns else []
        return self.wrong[number]

    def labels(self, example: Example) -> NDArray[np.int64]:
        """The number of each token's tag."""
        number = example.predicted.user_data[NUMBER]
        if number not in self.gold:
            tags = cast(list[str | None], example.get_aligned("TAG", as_string=True))
            tag_ids = [self.numbers.get(tag or "", UNKNOWN) for tag in tags]
            self.gold[number] = np.array(tag_ids, np.int64)
        return self.gold[number]


class TextHead:
    """A classifier; its own `get_loss` says what is learnt."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier
        self.layer = classifier.model.get_ref("output_layer")
        self.exclusive = not classifier.model.attrs["multi_label"]

    def loss(
        self, examples: list[Example], tokens: Any, weights: Weights, losses: dict[str, Any]
    ) -> Any:
        lengths = np.array([len(example.predicted) for example in examples], np.int64)
        places = sent(np.arange(len(tokens), dtype=np.int64), tokens.device)
        starts = sent(np.cumsum(lengths) - lengths, tokens.device)
        texts = embedding_bag(places, tokens, starts, mode="mean")
        logits = linear(texts, weights["W"], weights["b"])
        said = logits.detach()
        said = said.softmax(dim=1) if self.exclusive else said.sigmoid()
        value, gradient = self.classifier.get_loss(examples, torch2xp(said))
        add(losses, self.classifier.name, value)
        wanted = xp2torch(gradient).to(said)
        if not self.exclusive:  # what thinc's Logistic does on the way back
            wanted = wanted * said * (1 - said)
        return (logits * wanted).sum()


class SpanHead:
    """A component that says one label of each annotated span; see components.tasks.assertion."""

    def __init__(self, categoriser: Any) -> None:
        self.categoriser = categoriser
        self.layer = categoriser.model.get_ref("scorer")
        self.numbers = {label: number for number, label in enumerate(categoriser.labels)}
        self.gold: dict[int, NDArray[np.int64]] = {}

    def loss(
        self, examples: list[Example], tokens: Any, weights: Weights, losses: dict[str, Any]
    ) -> Any:
        words = np.cumsum([0, *(len(example.predicted) for example in examples)])
        before = np.stack([words[:-1], words[:-1], np.zeros_like(words[:-1])])
        each = [self.spans(one) + before[:, [at]] for at, one in enumerate(examples)]
        starts, ends, labels = np.concatenate(each, axis=1)
        lengths = ends - starts
        first = np.cumsum(lengths) - lengths
        inside = np.arange(lengths.sum()) + np.repeat(starts - first, lengths)
        spans = embedding_bag(
            sent(inside, tokens.device), tokens, sent(first, tokens.device), mode="mean"
        )
        scores = linear(spans, weights["W"], weights["b"])
        gold = sent(labels, scores.device)
        add(losses, self.categoriser.name, squares(scores.detach(), gold))
        return cross_entropy(scores, gold, reduction="sum")

    def spans(self, example: Example) -> NDArray[np.int64]:
        """First token, token after the last and number of the label of each span, (3, spans)."""
        number = example.predicted.user_data[NUMBER]
        if number not in self.gold:
            rows = [
                (span.start, span.end, self.numbers[span.label_])
                for span in self.categoriser.annotated(example)
            ]
            self.gold[number] = np.array(rows, np.int64).reshape(-1, 3).T
        return self.gold[number]


def head_of(pipe: Any) -> Head | None:
    """The head that a component is; None for one that has to be updated by spaCy."""
    names = sorted(node.name for node in pipe.model.walk())
    if type(pipe) is Tagger and names == sorted([*TAGGER, *OF_LISTENER]):
        negative = any(label.startswith(pipe.cfg["neg_prefix"]) for label in pipe.labels)
        return None if pipe.cfg["label_smoothing"] or negative else TokenHead(pipe)
    if isinstance(pipe, SpanCategorizer) and names == sorted([*OF_SPANS, *OF_LISTENER]):
        return SpanHead(pipe) if hasattr(pipe, "annotated") else None
    known = (sorted([*ONE_OF, *OF_LISTENER]), sorted([*ANY_OF, *OF_LISTENER]))
    return TextHead(pipe) if isinstance(pipe, TextCategorizer) and names in known else None


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
