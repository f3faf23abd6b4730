"""The order in which examples are seen: a pure function of the seed, the epoch and the config."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

from spacy.language import Language
from spacy.training import Example

Batcher = Callable[[Iterable[Example]], Iterable[list[Example]]]
Corpus = Callable[[Language], Iterable[Example]]


def batches(
    read: Callable[[], Iterable[Example]],
    batcher: Batcher,
    *,
    max_epochs: int,
    shuffle: bool,
    seed: int,
) -> Iterator[tuple[int, list[Example]]]:
    """Yield (epoch, batch) for max_epochs epochs, or for ever if it is below 1.

    Readers and batchers may draw from Python's random numbers. They get their own here, seeded by
    the epoch, so that a resumed run sees the batches that an uninterrupted one would have seen.

    Args:
        read: gives the examples of an epoch.
        shuffle: whether to shuffle them.
    """
    epoch = 0
    while max_epochs < 1 or epoch < max_epochs:
        for batch in isolated(one_epoch(read, batcher, shuffle), seed=f"{seed}-{epoch}"):
            yield epoch, batch
        epoch += 1


def one_epoch(
    read: Callable[[], Iterable[Example]], batcher: Batcher, shuffle: bool
) -> Iterator[list[Example]]:
    """Yield the batches of one epoch."""
    examples = read()
    if shuffle:
        examples = list(examples)
        random.shuffle(examples)
    for batch in batcher(examples):
        yield list(batch)


def isolated(stream: Iterator[list[Example]], seed: str) -> Iterator[list[Example]]:
    """Iterate with random numbers that nothing else draws from."""
    own = random.Random(seed).getstate()  # noqa: S311
    while True:
        outside = random.getstate()
        random.setstate(own)
        try:
            batch = next(stream)
        except StopIteration:
            return
        finally:
            own = random.getstate()
            random.setstate(outside)
        yield batch


def left_out(examples: list[Example], batcher: Batcher) -> int:
    """How many of the examples a batcher never yields.

    Args:
        batcher: a fresh one: some change as they go.
    """
    return len(examples) - sum(len(list(batch)) for batch in batcher(examples))
