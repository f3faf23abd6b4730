"""A small real corpus and small real models, made in seconds, for tests of evaluate and gate."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

LABELS = ["ORG", "DATE", "MONEY"]
NAMES = {
    "ORG": ["Home Office", "Treasury", "Environment Agency", "Ofsted", "Cabinet Office"],
    "DATE": ["1 May 2024", "Monday", "30 June", "next year", "6 April"],
    "MONEY": ["£50", "£1,200", "£3 million", "£75.50", "£9"],
}
PATTERNS = [
    "The {ORG} will pay {MONEY} on {DATE}.",
    "Send the form to {ORG} before {DATE}.",
    "You may get {MONEY}.",
    "Nothing changes here.",
    "From {DATE} the {ORG} charges {MONEY} for it.",
]


def make_docs(number: int, seed: int = 0) -> list[Doc]:
    """Documents with gold entities, ids and meta, as `convert` writes them."""
    nlp, source = spacy.blank("en"), random.Random(seed)
    return [make_doc(nlp, source, f"{seed}-{place}") for place in range(number)]


def make_doc(nlp: Language, source: random.Random, name: str) -> Doc:
    text = ""
    spans: list[tuple[int, int, str]] = []
    for part in re.split(r"({[A-Z]+})", source.choice(PATTERNS)):
        if part.startswith("{"):
            label = part[1:-1]
            part = source.choice(NAMES[label])
            spans.append((len(text), len(text) + len(part), label))
        text += part
    doc = nlp.make_doc(text)
    doc.set_ents([doc.char_span(start, end, label) for start, end, label in spans])
    doc.user_data = {"id": name, "meta": {"doc_type": source.choice(["form", "guide"])}}
    return doc


def write_corpus(folder: Path, docs: Sequence[Doc], shards: int = 2) -> Path:
    """A corpus: a folder of .spacy files."""
    folder.mkdir(parents=True)
    for shard in range(shards):
        DocBin(docs=docs[shard::shards], store_user_data=True).to_disk(folder / f"{shard}.spacy")
    return folder


def shuffle_labels(docs: Sequence[Doc], fraction: float, seed: int = 0) -> list[Doc]:
    """Copies in which the labels of some documents are drawn by chance."""
    source = random.Random(seed)
    shuffled = []
    for doc in docs:
        copy = doc.copy()
        if source.random() < fraction:
            copy.set_ents([Span(copy, e.start, e.end, source.choice(LABELS)) for e in doc.ents])
        shuffled.append(copy)
    return shuffled


def train_tiny(folder: Path, docs: Sequence[Doc], *, steps: int = 60, seed: int = 0) -> Path:
    """Train spaCy's own small NER model and write it to a folder."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    nlp.initialize(lambda: examples)
    for step in range(steps):
        nlp.update(examples[step % 4 :: 4])
    folder.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(folder)
    return folder
