"""The order in which examples are seen: a pure function of the seed, the epoch and the config."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.training import Example

Batcher = Callable[[Iterable[Example]], Iterable[list[Example]]]
Corpus = Callable[[Language], Iterable[Example]]
RngState = tuple[Any, Any, Any]


def batches(
    read: Callable[[], Iterable[Example]],
    batcher: Batcher,
    *,
    max_epochs: int,
    shuffle: bool,
    seed: int,
) -> Iterator[tuple[int, list[Example]]]:
    """Yield (epoch, batch) for max_epochs epochs, or for ever if it is below 1.

    Readers, augmenters and batchers may draw random numbers. They get their own here, seeded by the
    epoch, so that a resumed run sees the batches that an uninterrupted one would have seen.

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
    own = make_rng_state(seed)
    while True:
        outside = get_rng_state()
        set_rng_state(own)
        try:
            batch = next(stream)
        except StopIteration:
            return
        finally:
            own = get_rng_state()
            set_rng_state(outside)
        yield batch


def make_rng_state(seed: str) -> RngState:
    """The states of random numbers that begin with a seed."""
    number = zlib.crc32(seed.encode())
    return (
        random.Random(seed).getstate(),  # noqa: S311
        np.random.RandomState(number).get_state(),
        torch.Generator().manual_seed(number).get_state(),
    )


def get_rng_state() -> RngState:
    """The states of the random numbers of Python, NumPy and PyTorch (on the CPU)."""
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def set_rng_state(states: RngState) -> None:
    """Go on with random numbers from these states."""
    python, numpy, pytorch = states
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(pytorch)


def count_batches(examples: list[Example], batcher: Batcher) -> tuple[int, int]:
    """How many batches an epoch has, and how many of the examples are in any of them.

    Args:
        batcher: a fresh one: some change as they go.
    """
    sizes = [len(list(batch)) for batch in batcher(examples)]
    return len(sizes), sum(sizes)
