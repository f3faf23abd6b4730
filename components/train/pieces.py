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


class ByPieces:
    """Makes batches that hold documents of about the same length; see `batch_by_pieces`."""

    def __init__(self, size: int, buffer: int, temperature: float, documents: int) -> None:
        self.size, self.buffer = size, buffer
        self.temperature, self.documents = temperature, documents

    def __call__(self, examples: Iterable[Example]) -> Iterator[list[Example]]:
        """Yield the batches of an epoch; draws random numbers."""
        if self.temperature != 1:
            examples = by_temperature(list(examples), self.temperature)
        for pool in minibatch(examples, size=self.buffer):
            batches = list(cut(by_length(pool), self.size, self.documents))
            if len(batches) > 1 and len(batches[-1]) < self.documents:
                batches[-2:] = [batches[-2] + batches[-1]]
            random.shuffle(batches)
            yield from batches

    def parts(self, batch: Iterable[Example]) -> list[list[Example]]:
        """A batch in parts of at most `size` pieces each."""
        return list(cut(by_length(batch), self.size))


def batch_by_pieces(
    size: int, buffer: int, temperature: float = 1.0, documents: int = 1
) -> ByPieces:
    """Make a batcher whose batches hold documents of about the same length.

    No document is ever left out: one that is larger than `size` is a part of its own.

    Args:
        size: largest number of pieces that are computed at once, padding included: spans times the
            longest span.
        buffer: documents that are sorted by length at a time. The batches made of them come in
            random order.
        temperature: 1: each document once an epoch; above it, those of rare languages more often
            than those of frequent ones, see `by_temperature`.
        documents: so many at least are in a batch, and one step is learnt from, even where they
            are computed in several parts: a class is one answer of a whole document, and a step
            from three of them is mostly chance.
    """
    if temperature < 1:
        raise ValueError(f"training.batcher.temperature: 1 or more, not {temperature}")
    return ByPieces(size, buffer, temperature, documents)


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


def by_length(examples: Iterable[Example]) -> list[Example]:
    """Examples from short to long."""
    return sorted(examples, key=lambda example: size_of(example.predicted)[1])


def cut(examples: list[Example], size: int, documents: int = 1) -> Iterator[list[Example]]:
    """Cut examples, sorted from short to long, into batches of at most `size` padded pieces.

    Args:
        documents: no batch but the last has fewer.
    """
    batch: list[Example] = []
    spans = 0
    for example in examples:
        more, longest = size_of(example.predicted)
        if len(batch) >= documents and (spans + more) * longest > size:
            yield batch
            batch, spans = [], 0
        batch.append(example)
        spans += more
    if batch:
        yield batch


registry.batchers.register("retrain.batch_by_pieces.v1", func=batch_by_pieces)
