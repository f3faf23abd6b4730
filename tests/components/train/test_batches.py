"""Every document is seen once in each epoch, in an order that follows from the seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_config, registry

from components.train.batches import Batcher, batches, count_batches
from components.train.pieces import KEY, batch_by_pieces, by_temperature, size_of

pytestmark = pytest.mark.xdist_group("examples")

CONFIGS = Path(__file__).parents[3] / "pipelines/config/training"
LENGTHS = [1, 2, 3, 5, 8, 13, 20, 40, 100, 400, 1000, 2500]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """1,200 documents, most of them short; each has its number as its first word."""
    nlp = spacy.blank("en")
    rng = random.Random(0)
    lengths = rng.choices(LENGTHS, weights=[2.0**-i for i in range(len(LENGTHS))], k=1200)
    docs = [
        Doc(nlp.vocab, words=[f"{number}", *["word"] * (length - 1)])
        for number, length in enumerate(lengths)
    ]
    return [Example(doc, doc) for doc in docs]


def batcher_of(config: str, **changes: Any) -> Batcher:
    """The batcher of a training config."""
    settings = load_config(CONFIGS / f"{config}.cfg").interpolate()["training"]["batcher"]
    batcher: Batcher = registry.resolve({"batcher": {**settings, **changes}})["batcher"]
    return batcher


def numbers(stream: Iterator[tuple[int, list[Example]]], epochs: int) -> list[list[str]]:
    """The numbers of the documents seen in each of the first epochs."""
    seen: list[list[str]] = [[] for _ in range(epochs)]
    for epoch, batch in takewhile(lambda item: item[0] < epochs, stream):
        seen[epoch] += [example.predicted[0].text for example in batch]
    return seen


@pytest.mark.parametrize("config", sorted(path.stem for path in CONFIGS.glob("*.cfg")))
def test_each_epoch_holds_every_document_once(config: str, examples: list[Example]) -> None:
    stream = batches(lambda: examples, batcher_of(config), max_epochs=0, shuffle=True, seed=0)
    first, second = numbers(stream, epochs=2)
    everything = sorted(str(number) for number in range(len(examples)))
    assert sorted(first) == sorted(second) == everything
    assert first != second


def test_order_follows_from_the_seed_whatever_else_draws_random_numbers(
    examples: list[Example],
) -> None:
    def seen(seed: int, noise: bool) -> list[list[str]]:
        stream = batches(
            lambda: examples, batch_by_pieces(400, 256), max_epochs=2, shuffle=True, seed=seed
        )
        return numbers(((random.random() and item) if noise else item for item in stream), 2)

    assert seen(1, noise=False) == seen(1, noise=True)
    assert seen(1, noise=False) != seen(2, noise=False)


def in_languages(**documents: int) -> list[Example]:
    """Documents of one word each, their language."""
    nlp = spacy.blank("xx")
    docs = [Doc(nlp.vocab, words=[name]) for name, count in documents.items() for _ in range(count)]
    for doc in docs:
        doc.user_data["meta"] = {"lang": doc[0].text} if doc[0].text != "none" else {}
    return [Example(doc, doc) for doc in docs]


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (1.0, {"en": 900, "da": 90, "none": 10}),
        (2.0, {"en": 703, "da": 223, "none": 74}),  # as 30 to 9.49 to 3.16
        (1e9, {"en": 334, "da": 333, "none": 333}),
    ],
)
def test_rare_languages_come_more_often_at_a_temperature(
    temperature: float, expected: dict[str, int]
) -> None:
    examples = in_languages(en=900, da=90, none=10)
    batcher = batch_by_pieces(50, 256, temperature)
    stream = batches(lambda: examples, batcher, max_epochs=0, shuffle=True, seed=0)
    first, second = numbers(stream, epochs=2)
    assert {name: first.count(name) for name in expected} == pytest.approx(expected, abs=1)
    assert len(first) == len(second) == len(examples)
    drawn = Counter(map(id, by_temperature(examples, temperature)))
    for name in expected:
        times = [drawn[id(one)] for one in examples if one.predicted[0].text == name]
        assert max(times) - min(times) <= 1


def test_a_temperature_needs_several_languages_and_is_at_least_one() -> None:
    examples = in_languages(da=50)
    assert by_temperature(examples, 5.0) == examples
    with pytest.raises(ValueError, match="temperature: 1 or more"):
        batch_by_pieces(50, 256, 0.5)


def test_discard_oversize_is_found_out(examples: list[Example]) -> None:
    """spaCy drops batches that exactly fill their target, not only what is too long."""
    _, seen = count_batches(examples, batcher_of("roberta", discard_oversize=True))
    too_long = sum(len(example.predicted) > 2000 for example in examples)
    assert len(examples) - seen > too_long
    assert count_batches(examples, batcher_of("roberta"))[1] == len(examples)


def test_a_step_has_enough_documents_and_its_parts_keep_to_the_size(
    examples: list[Example],
) -> None:
    for example in examples:
        words = len(example.predicted)
        example.predicted.user_data[KEY] = (words // 100 + 1, min(words, 130) + 2)
    batcher = batch_by_pieces(500, 64, documents=16)
    batches = list(batcher(examples))
    assert sorted(id(one) for batch in batches for one in batch) == sorted(map(id, examples))
    assert min(map(len, batches)) >= 16
    in_parts = [batcher.parts(batch) for batch in batches]
    assert max(map(len, in_parts)) > 1
    for batch, parts in zip(batches, in_parts, strict=True):
        assert sorted(id(one) for part in parts for one in part) == sorted(map(id, batch))
        for part in parts:
            spans, longest = zip(*(size_of(example.predicted) for example in part), strict=True)
            assert sum(spans) * max(longest) <= 500 or len(part) == 1


def test_batches_keep_to_the_size_in_pieces(examples: list[Example]) -> None:
    for example in examples:
        words = len(example.predicted)
        example.predicted.user_data[KEY] = (words // 100 + 1, min(words, 130) + 2)
    batches = list(batch_by_pieces(500, 4096)(examples))
    for batch in batches:
        spans, longest = zip(*(size_of(example.predicted) for example in batch), strict=True)
        assert sum(spans) * max(longest) <= 500 or len(batch) == 1
    padded = sum(
        sum(size_of(e.predicted)[0] for e in batch) * max(size_of(e.predicted)[1] for e in batch)
        for batch in batches
    )
    real = sum(size_of(e.predicted)[0] * size_of(e.predicted)[1] for e in examples)
    assert padded < 1.1 * real
