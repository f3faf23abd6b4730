"""Synthetic but realistic annotations: pages of sentences, copies, edits, rare labels."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.records.record import Answers, Record, Span, write_records

LABELS = 20
VOCABULARY = 30_000
SYLLABLES = (
    "ba",
    "con",
    "de",
    "er",
    "fi",
    "gra",
    "hol",
    "in",
    "ju",
    "ka",
    "lim",
    "mor",
    "ne",
    "or",
)


@dataclass(frozen=True)
class Labelled:
    """Documents without their texts.

    Attributes:
        labels: whether each document has each label; (documents, LABELS).
        pages: number of each document's page.
    """

    labels: NDArray[np.bool_]
    pages: NDArray[np.int64]


def labelled(count: int, seed: int = 0) -> Labelled:
    """Labels with Zipf frequencies, 1.5 per document on average, and pages of 1 to many documents.

    A page's documents are neighbours, and a fifth of the pages go on in the second half.
    """
    rng = np.random.default_rng(seed)
    frequency = np.arange(1, LABELS + 1) ** -1.3
    draws = rng.poisson(1.5, count)
    chosen = rng.choice(LABELS, draws.sum(), p=frequency / frequency.sum())
    labels = np.zeros((count, LABELS), bool)
    labels[np.repeat(np.arange(count), draws), chosen] = True
    sizes = rng.geometric(0.4, count)
    pages = np.repeat(np.arange(count), sizes)[:count]
    old = rng.random(count) < 0.2
    old[: count // 2] = False
    pages[old] = pages[rng.integers(0, count // 2, old.sum())]
    return Labelled(labels, pages)


def records(count: int, seed: int = 0) -> Iterator[Record]:
    """Sentences of 6 to 24 words; one in 20 is a copy, one in 20 an edited copy of a recent one."""
    rng = np.random.default_rng(seed)
    given = labelled(count, seed)
    stream = words(rng)
    recent = [[next(stream)] * 6 for _ in range(1000)]
    for number in range(count):
        dice = rng.random()
        if dice < 0.1:
            sentence = list(recent[int(rng.integers(len(recent)))])
            if dice < 0.05:
                sentence[int(rng.integers(len(sentence)))] = next(stream)
        else:
            sentence = list(islice(stream, int(rng.integers(6, 25))))
        recent[int(rng.integers(len(recent)))] = sentence
        yield record(number, sentence, np.flatnonzero(given.labels[number]), given.pages[number])


def words(rng: np.random.Generator) -> Iterator[str]:
    """Words without end, as frequent as in English (Mandelbrot's law)."""
    known = vocabulary(rng)
    frequency = 1 / (np.arange(VOCABULARY) + 2.7)
    while True:
        yield from rng.choice(known, 100_000, p=frequency / frequency.sum()).tolist()


def vocabulary(rng: np.random.Generator) -> NDArray[np.str_]:
    """Words of one to five syllables."""
    lengths = np.minimum(rng.geometric(0.4, VOCABULARY), 5)
    return np.array(["".join(rng.choice(SYLLABLES, length)) for length in lengths])


def record(number: int, words: list[str], labels: NDArray[np.int64], page: int) -> Record:
    """A sentence with a full stop; its first words are the entities, one per label."""
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    tokens = [
        (int(end) - len(word), int(end)) for word, end in zip(words, ends.tolist(), strict=True)
    ]
    text = " ".join(words) + "."
    return Record(
        id=f"{number:016x}",
        text=text,
        answers={
            "ner": Answers(
                spans=[
                    Span(*tokens[at], f"LABEL_{label:02}")
                    for at, label in enumerate(labels.tolist()[: len(words)])
                ]
            )
        },
        tokens=[*tokens, (len(text) - 1, len(text))],
        meta={"base_path": f"/guidance/page-{page}", "doc_type": "guidance"},
        source=f"export.jsonl:{number + 1}",
    )


def write(path: Path, count: int) -> None:
    """Write so many records as `ingest` would."""
    write_records(path, records(count))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--one", path, count]:
            write(Path(path), int(count))
            print("{}")
