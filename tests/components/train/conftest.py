"""A small corpus, a small transformer, and the stage run as a pipeline runs it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.tokens import DocBin

from components.__main__ import main
from tests.support.narrow import NARROW
from tests.support.records import ner_tasks
from tests.support.tiny_bert import write_bert

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "pipelines/config/training"
LABELS = ["DATE", "MONEY"]
SENTENCES = [
    ("The fee is £{n} if you apply online.", "MONEY", "£{n}"),
    ("Send it to us before {n} March 2024 by post.", "DATE", "{n} March 2024"),
    ("You can claim up to £{n} for each child in your household every year.", "MONEY", "£{n}"),
    ("It opened on {n} May 2021.", "DATE", "{n} May 2021"),
]


def write_corpus(folder: Path, numbers: Sequence[int], group: str = "") -> Path:
    """Write a corpus as `convert` does, with one document per number.

    Args:
        group: of spans, in place of entities.
    """
    nlp = spacy.blank("en")
    docs = []
    for number in numbers:
        template, label, entity = SENTENCES[number % len(SENTENCES)]
        doc = nlp.make_doc(template.format(n=number % 28 + 1))
        start = doc.text.index(entity.format(n=number % 28 + 1))
        end = start + len(entity.format(n=number % 28 + 1))
        span = doc.char_span(start, end, label)
        if group:
            doc.spans[group] = [span]
        else:
            doc.set_ents([span])
        docs.append(doc)
    folder.mkdir(parents=True)
    return write_shard(folder, DocBin(docs=docs))


def write_shard(folder: Path, docs: DocBin) -> Path:
    """Write a corpus of one shard, and its manifest, into a folder."""
    data = docs.to_bytes()
    (folder / "000000.spacy").write_bytes(data)
    shard = {
        "file": "000000.spacy",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "documents": len(docs),
    }
    manifest = {"version": 1, "shards": [shard]}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def corpora(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of a train and a dev corpus."""
    return (
        write_corpus(tmp_path / "corpus" / "train", range(80)),
        write_corpus(tmp_path / "corpus" / "dev", range(100, 116)),
    )


@pytest.fixture
def base_models(tmp_path: Path) -> Path:
    """A folder of base models that holds `tiny/bert`, a random transformer of two layers."""
    pieces = [*map(chr, range(33, 127)), "£"]
    folder = tmp_path / "base-models" / "tiny--bert"
    write_bert(folder, [*pieces, *(f"##{piece}" for piece in pieces)])
    return folder.parent


@pytest.fixture
def train(
    tmp_path: Path,
    corpora: tuple[Path, Path],
    base_models: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., int]:
    """Run the stage and return its exit code; its outputs are out/model and out/log."""
    monkeypatch.setenv("RETRAIN_BASE_MODELS", str(base_models))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    torch.set_num_threads(1)

    def run(config: str, overrides: dict[str, Any], /, **options: str) -> int:
        return main(arguments(config, overrides, corpora, tmp_path / "out", **options))

    return run


def arguments(
    config: str,
    overrides: dict[str, Any],
    corpora: tuple[Path, Path],
    out: Path,
    /,
    **options: str,
) -> list[str]:
    """The arguments of the stage, with any option replaced or added."""
    overrides = {**(NARROW if config == "cnn" and "config" not in options else {}), **overrides}
    values = {
        "tasks": ner_tasks(LABELS),
        "train-corpus": str(corpora[0]),
        "dev-corpus": str(corpora[1]),
        "config": (CONFIGS / f"{config}.cfg").read_text(encoding="utf-8"),
        "overrides": json.dumps(overrides),
        "model": str(out / "model"),
        "log": str(out / "log"),
        **{name.replace("_", "-"): value for name, value in options.items()},
    }
    return ["train", *(f"--{name}={value}" for name, value in values.items())]
