from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from tests.support.records import ner_tasks
from tests.support.stages import evaluate, gate
from tests.support.tiny_ner import LABELS, make_docs, train_tiny, write_corpus

DATA = {
    "digest": "d" * 64,
    "records": {"in": 150, "kept": 140, "skipped": 8, "quarantined": 2},
    "tasks": {
        "ner": {
            "task": "ner",
            "unit": "entities",
            "labels": {label: {"count": 100, "documents": 60} for label in LABELS},
        }
    },
    "problems": [{"title": "Span with white edges", "count": 3, "first": ["a.jsonl:7"]}],
}
SPLIT = {
    "documents": {"train": 60, "dev": 10, "test": 70},
    "labels": {label: {"documents": {"train": 30, "dev": 5, "test": 35}} for label in LABELS},
    "stability": {"known": 100, "new": 40, "moved": 0},
}
CONVERT = {
    "corpora": {
        "train": {
            "tasks": {
                "ner": {
                    "labels": {label: {"count": 1200, "misaligned": 12} for label in LABELS},
                    "misaligned": 12 * len(LABELS),
                    "misaligned_examples": [
                        {"source": "a.jsonl:3", "label": "FORM", "text": "<SA100>"}
                    ],
                }
            },
            "windowed": 3,
        }
    }
}
CONTEXT = {"phase": "phase-1", "labels": LABELS, "model": {"name": "ner-phase-1"}}
HISTORY = [
    {"step": 10 * step, "loss": 100 / step, "f": 1 - 1 / step, "p": 0.5, "r": 0.5}
    for step in range(1, 9)
]


def run_report(folder: Path, evaluated: Path, champion_metadata: Path, **changed: Any) -> Path:
    """Run the stage on what evaluate and gate wrote into `evaluated`; return the output folder."""
    folder.mkdir(exist_ok=True)
    files = {"data-report": DATA, "split-report": SPLIT, "convert-report": CONVERT} | changed
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    log = folder / "log"
    log.mkdir(exist_ok=True)
    lines = "".join(json.dumps(entry) + "\n" for entry in HISTORY)
    (log / "history.jsonl").write_text(lines, encoding="utf-8")
    arguments = {
        **{name: evaluated / name for name in ("scores", "gate-decision", "predictions")},
        **{
            name: folder / name for name in ("data-report", "split-report", "convert-report", "log")
        },
        "champion-metadata": champion_metadata,
        "tasks": ner_tasks(LABELS),
        "context": json.dumps(CONTEXT),
        **{name: folder / name for name in ("report", "review", "model-card", "facts")},
    }
    flat = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    assert main(["report", *flat]) == 0
    return folder


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What evaluate and gate say about a middling model beside a champion, in one folder."""
    folder = tmp_path_factory.mktemp("evaluated")
    model = train_tiny(folder / "weak" / "model", make_docs(60, seed=1), steps=34)
    champion = train_tiny(folder / "1" / "model", make_docs(60, seed=1), steps=30)
    corpus = write_corpus(folder / "corpus", make_docs(80, seed=2))
    evaluate(folder, model, corpus, champion, [*LABELS, "EVENT"])
    assert gate(folder, DATA) == 0
    return folder
