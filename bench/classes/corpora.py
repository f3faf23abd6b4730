"""A collection as the folders of a corpus that `train` and `evaluate` read."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import spacy
from spacy.tokens import DocBin

from bench.classes.data import SPLITS, Collection, Row
from components.files import sha256
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings

TASK = "classes"


def write(collection: Collection, folder: Path, language: str) -> None:
    """Write train, dev and test, with their manifests."""
    for split in SPLITS:
        write_split(collection.rows[split], folder / split, language)


def write_split(rows: list[Row], folder: Path, language: str) -> None:
    """Write the shard of a split and its manifest."""
    nlp = spacy.blank(language)
    docs = []
    for number, (text, cats) in enumerate(rows):
        doc = nlp.make_doc(text)
        doc.cats = dict(cats)
        doc.user_data["id"] = str(number)
        docs.append(doc)
    folder.mkdir(parents=True)
    shard = folder / "000000.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(shard)
    entry = {"file": shard.name, "sha256": sha256(shard), "documents": len(docs)}
    counts = Counter(label for _, cats in rows for label, right in cats.items() if right)
    manifest = {"shards": [entry], "tasks": {TASK: dict(sorted(counts.items()))}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def task(collection: Collection, **settings: object) -> Task:
    """The task of a collection."""
    return task_of(
        TaskSettings(
            name=TASK,
            kind="textcat",
            labels=list(collection.labels),
            exclusive=collection.exclusive,
            **settings,
        )
    )
