"""What a token classifier learns from entities that annotators rejected: the "no" of ner.teach.

Such an answer, a span in `doc.spans["incorrect_spans"]`, says that one span is no entity of its
label, and nothing of the tokens in it: a longer or shorter entity may be right, or one of another
label. So its loss is -log(1 - P), where P is the probability that the tags make exactly this
entity, by the same product as in tag_confidence. Tokens of which nothing else is known have no
other loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from spacy.pipeline import Tagger
from spacy.training import Example
from thinc.api import torch2xp, xp2torch

from components.records.groups import INCORRECT_SPANS

SMALLEST = 1e-12  # of 1 - P: a model that is certain has no infinite loss


class Rejected(NamedTuple):
    """A span that is no entity: its tokens [start, end) and the column of its label's B-."""

    start: int
    end: int
    begin: int


def rejected_spans(example: Example, columns: Mapping[str, int]) -> list[Rejected]:
    """The spans of an example that annotators rejected, on the tokens of the pipeline.

    Left out is what its tags can't make: another label, or a span that cuts a token.

    Args:
        columns: tag -> its column.
    """
    spans = example.reference.spans.get(INCORRECT_SPANS)
    return [
        Rejected(span.start, span.end, columns[f"B-{span.label_}"])
        for span in (example.get_aligned_spans_y2x(spans, allow_overlap=True) if spans else ())
        if f"B-{span.label_}" in columns
    ]


def inside_columns(columns: Mapping[str, int]) -> list[int]:
    """The columns of tags with which an entity goes on."""
    return [column for tag, column in columns.items() if tag.startswith("I-")]


def probability(chances: Any, inside: Any, span: Rejected) -> Any:
    """That tags drawn from a distribution for each token make exactly this entity.

    Args:
        chances: tokens of a document x tags.
        inside: of each token, that it goes on an entity.
    """
    found = chances[span.start, span.begin] * inside[span.start + 1 : span.end].prod()
    return found * (1 - inside[span.end]) if span.end < len(chances) else found


def rejection_loss(
    scores: Any, inside: list[int], spans: Sequence[Sequence[Rejected]], lengths: Sequence[int]
) -> Any:
    """The loss of all rejected spans of a batch, added up; a tensor without dimensions.

    Args:
        scores: tokens of all documents x tags, before the softmax; a tensor.
        inside: of `inside_columns`.
        spans, lengths: of each document, and how many tokens it has.
    """
    total = scores.new_zeros((), dtype=torch.float64)
    for of_doc, rejected in zip(scores.split(list(lengths)), spans, strict=True):
        if rejected:
            chances = of_doc.double().softmax(dim=1)
            goes_on = chances[:, inside].sum(dim=1)
            for span in rejected:
                total = total - torch.log1p(-probability(chances, goes_on, span) + SMALLEST)
    return total


def teach(tagger: Tagger) -> None:
    """Let a tagger learn from rejected spans, too, for as long as it is in memory.

    On disk it is spaCy's own.
    """
    tagger.get_loss = partial(get_loss, tagger)


def is_taught(tagger: Tagger) -> bool:
    """Whether a tagger learns from rejected spans."""
    return "get_loss" in vars(tagger)


def get_loss(tagger: Tagger, examples: Sequence[Example], scores: Any) -> tuple[float, Any]:
    """spaCy's loss of a tagger, and that of the spans that were rejected.

    Args:
        scores: of each document, probabilities, tokens x tags.

    Returns:
        the loss and, of each document, its gradient before the softmax.
    """
    loss, gradients = type(tagger).get_loss(tagger, examples, scores)
    columns = {tag: column for column, tag in enumerate(tagger.labels)}
    spans = [rejected_spans(one, columns) for one in examples]
    if not any(spans):
        return loss, gradients
    lengths = [len(one) for one in scores]
    ops: Any = tagger.model.ops
    chances = ops.xp.concatenate(scores)
    # The softmax of logarithms of probabilities is these probabilities.
    logits = xp2torch(chances.clip(np.finfo(np.float32).tiny)).log().requires_grad_()
    value = rejection_loss(logits, inside_columns(columns), spans, lengths)
    value.backward()
    added = ops.unflatten(torch2xp(cast(torch.Tensor, logits.grad)), ops.asarray1i(lengths))
    both = [one + more for one, more in zip(gradients, added, strict=True)]
    return loss + float(value.detach()), both
