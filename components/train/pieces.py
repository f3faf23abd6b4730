"""Batches by word pieces, which is what a transformer is slow on, instead of by words.

spaCy's padded batches count a document's words. A transformer pads the *spans* that it reads (a
long document is several) to the most *pieces* that any of them has. A config chooses this batcher
with `@batchers = "retrain.batch_by_pieces.v1"` in [training.batcher].
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from typing import cast

from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch as untyped_minibatch
from spacy.util import registry

from components.records.languages import LANG

KEY = "retrain_pieces"

minibatch = cast(Callable[..., Iterator[list[Example]]], untyped_minibatch)


def size_of(doc: Doc) -> tuple[int, int]:
    """How many spans a document is read as, and the pieces of the longest.

    Without a transformer (see encodings) a document counts as one span of its words.
    """
    spans, longest = doc.user_data.get(KEY, (1, len(doc)))
    return spans, longest


def batch_by_pieces(
    size: int, buffer: int, temperature: float = 1.0
) -> Callable[[Iterable[Example]], Iterator[list[Example]]]:
    """Make a batcher whose batches hold documents of about the same length.

    No document is ever left out: one that is larger than `size` is a batch of its own.

    Args:
        size: largest number of pieces in a batch, padding included: spans times the longest span.
        buffer: documents that are sorted by length at a time. The batches made of them come in
            random order.
        temperature: 1: each document once an epoch; above it, those of rare languages more often
            than those of frequent ones, see `by_temperature`.
    """
    if temperature < 1:
        raise ValueError(f"training.batcher.temperature: 1 or more, not {temperature}")

    def batches(examples: Iterable[Example]) -> Iterator[list[Example]]:
        drawn = examples if temperature == 1 else by_temperature(list(examples), temperature)
        for pool in minibatch(drawn, size=buffer):
            shuffled = list(cut(sorted(pool, key=lambda e: size_of(e.predicted)[1]), size))
            random.shuffle(shuffled)
            yield from shuffled

    return batches


def by_temperature(examples: list[Example], temperature: float) -> list[Example]:
    """As many examples, in which a language with n has a part as n ** (1 / temperature) is.

    So XLM-R was trained (Conneau and others, 2020: arXiv 1911.02116, with 1 / 0.3). The language of
    a document is `lang` of its meta; those without one count as one language.

    Returns:
        examples in random order; those of one language as often as each other, but for one time.
    """
    languages: dict[str, list[Example]] = {}
    for example in examples:
        meta = example.reference.user_data.get("meta", {})
        languages.setdefault(str(meta.get(LANG, "")), []).append(example)
    if len(languages) < 2:
        return examples
    weights = [len(each) ** (1 / temperature) for each in languages.values()]
    ends = [round(len(examples) * part / sum(weights)) for part in accumulate(weights)]
    drawn = []
    for each, (start, end) in zip(languages.values(), pairwise([0, *ends]), strict=True):
        times, rest = divmod(end - start, len(each))
        drawn += each * times + random.sample(each, rest)
    random.shuffle(drawn)
    return drawn


def cut(examples: list[Example], size: int) -> Iterator[list[Example]]:
    """Cut examples, sorted from short to long, into batches of at most `size` padded pieces."""
    batch: list[Example] = []
    spans = 0
    for example in examples:
        more, longest = size_of(example.predicted)
        if batch and (spans + more) * longest > size:
            yield batch
            batch, spans = [], 0
        batch.append(example)
        spans += more
    if batch:
        yield batch


registry.batchers.register("retrain.batch_by_pieces.v1", func=batch_by_pieces)
