"""The order in which examples are seen: a pure function of the seed, the epoch and the config."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

from spacy.language import Language
from spacy.training import Example

Batcher = Callable[[Iterable[Example]], Iterable[list[Example]]]
Corpus = Callable[[Language], Iterable[Example]]


def batches(
    nlp: Language, corpus: Corpus, batcher: Batcher, *, max_epochs: int, seed: int
) -> Iterator[tuple[int, list[Example]]]:
    """Yield (epoch, batch), shuffled anew in each epoch.

    Unlike spaCy's own, the order does not depend on what else draws random numbers, so that a
    resumed run sees the batches that an uninterrupted one would have seen.

    Args:
        max_epochs: 0 goes on for ever; -1 too, and reads the corpus again in each epoch, in its
            own order, instead of keeping it in memory.
    """
    streamed = max_epochs < 0
    examples = [] if streamed else list(corpus(nlp))
    epoch = 0
    while max_epochs < 1 or epoch < max_epochs:
        if not streamed:
            order = list(range(len(examples)))
            random.Random(f"{seed}-{epoch}").shuffle(order)  # noqa: S311
        source = corpus(nlp) if streamed else (examples[index] for index in order)
        for batch in batcher(source):
            yield epoch, list(batch)
        epoch += 1
