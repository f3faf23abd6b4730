"""What batches lose and what they pad: spaCy's batcher beside the one of roberta-fast.cfg.

    python -m bench.batches

No training and no clock: documents left out of an epoch by the published recipe (batch_by_padded,
size 2000, discard_oversize), and padded word pieces per real one that a transformer would read in
strided spans of 128/96 words, MiniLM's pieces, one epoch shuffled with seed 0.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import spacy
from rich.console import Console
from rich.table import Table
from spacy.training import Example
from spacy.training.loop import subdivide_batch
from spacy.util import registry
from spacy_transformers.span_getters import get_strided_spans
from transformers import AutoTokenizer

from bench.train.data import DATA, ROOT, read
from components.train.batches import Batcher, count_batches
from components.train.local_weights import find
from components.train.pieces import KEY, batch_by_pieces, size_of

FILES = {
    "sample, phase 1": [ROOT / "configs/sample/phase1.jsonl"],
    "sample, phase 2": [ROOT / "configs/sample/phase2.jsonl"],
    "fashion_brands": [DATA / "prodigy_fashion_brands/train.jsonl"],
    "re3d": [DATA / "re3d/train.jsonl"],
    "wnut17": [DATA / "wnut17/train.jsonl"],
    "wnut17 and re3d": [DATA / "wnut17/train.jsonl", DATA / "re3d/train.jsonl"],
}


def main() -> None:
    """Print one row per set of documents that is there."""
    table = Table()
    for column in ("documents", "in all", "left out", "padding, spaCy", "padding, by pieces"):
        table.add_column(column, justify="left" if column == "documents" else "right")
    for name, paths in FILES.items():
        if all(path.is_file() for path in paths):
            table.add_row(name, *row(examples_of(paths)))
    Console().print(table)


def row(examples: list[Example]) -> list[str]:
    """The figures of one set of documents."""
    lost = len(examples) - count_batches(examples, padded(discard=True))[1]
    stock = padding(padded(discard=False)(examples), parts=3)
    by_pieces = padding(batch_by_pieces(2400, 2048)(examples), parts=1)
    return [f"{len(examples):,}", f"{lost / len(examples):.1%}", f"{stock:.2f}", f"{by_pieces:.2f}"]


def padded(discard: bool) -> Batcher:
    """The batcher of the published recipe."""
    block = {"@batchers": "spacy.batch_by_padded.v1", "discard_oversize": discard}
    sizes = {"size": 2000, "buffer": 256, "get_length": None}
    return cast(Batcher, registry.resolve({"batcher": {**block, **sizes}})["batcher"])


def padding(batches: Iterable[list[Example]], parts: int) -> float:
    """Padded pieces per real piece, each batch read in some parts (accumulate_gradient)."""
    whole = real = 0
    for batch in batches:
        for part in cast(Any, subdivide_batch)(batch, parts):
            sizes = [size_of(example.predicted) for example in part]
            whole += sum(spans for spans, _ in sizes) * max(longest for _, longest in sizes)
            real += sum(example.predicted.user_data["pieces"] for example in part)
    return whole / real


def examples_of(paths: list[Path]) -> list[Example]:
    """Shuffled documents, each with its count of spans and word pieces."""
    nlp = spacy.blank("en")
    tokenizer = cast(Any, AutoTokenizer).from_pretrained(
        find("sentence-transformers/all-MiniLM-L6-v2")
    )
    examples = [Example(doc, doc) for path in paths for doc in read(nlp, path)]
    for example in examples:
        (spans,) = get_strided_spans([example.predicted], window=128, stride=96)
        lengths = [len(ids) for ids in tokenizer([span.text for span in spans])["input_ids"]]
        example.predicted.user_data[KEY] = (len(spans), max(lengths))
        example.predicted.user_data["pieces"] = sum(lengths)
    random.Random(0).shuffle(examples)  # noqa: S311
    return examples


if __name__ == "__main__":
    main()
