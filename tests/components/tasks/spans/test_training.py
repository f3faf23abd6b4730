"""Overlapping spans from annotation records to a model that spaCy opens alone, and its scores."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from spacy.util import load_config

from components.records.prediction import Prediction, read_predictions
from components.records.record import Answers, Record, Span, write_records
from tests.components.train.conftest import CONFIGS
from tests.support.stages import run_stage

TASKS = json.dumps([{"name": "negation", "kind": "spans", "labels": ["CUE", "SCOPE"]}])
TINY = {
    "components.tok2vec.model.encode.width": 32,
    "components.tok2vec.model.encode.depth": 1,
    "components.tok2vec.model.embed.rows": [500, 100, 100, 100],
    "training.max_steps": 60,
    "training.eval_frequency": 30,
    "training.optimizer.learn_rate": 0.01,
}
WORDS = ["fever", "pain", "signs of fever", "chest pain", "new signs of infection"]
pytestmark = pytest.mark.xdist_group("spans")


def records(split: str, count: int) -> list[Record]:
    """Sentences in which a cue lies inside its scope; every tenth was not read for the task."""
    rng = random.Random(split)
    made = []
    for number in range(count):
        cue, what = rng.choice(["no", "without"]), rng.choice(WORDS)
        before = rng.choice(["The patient is well", "Seen today", "He has a cough"])
        text = f"{before} {number} {cue} {what} ."
        start = len(before) + len(str(number)) + 2
        spans = [
            Span(start, start + len(cue), "CUE"),
            Span(start, start + len(cue) + 1 + len(what), "SCOPE"),
        ]
        said = {} if number % 10 == 9 else {"negation": Answers(spans=sorted(spans))}
        made.append(Record(f"{split}{number:060x}", text, said))
    return made


@dataclass(frozen=True)
class Trained:
    folder: Path
    block: dict[str, Any]
    predictions: list[Prediction]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("spans")
    for split, count in (("train", 150), ("dev", 40), ("test", 40)):
        write_records(folder / f"{split}_set", records(split, count))
    stage(folder, "convert", {f"{split}-set": folder / f"{split}_set" for split in SPLITS}, CONVERT)
    corpora = {f"{split}-corpus": folder / f"{split}-corpus" for split in ("train", "dev")}
    config = (CONFIGS / "cnn-tasks.cfg").read_text(encoding="utf-8")
    training = {"config": config, "overrides": json.dumps(TINY)}
    stage(folder, "train", {**corpora, **training}, ["model", "log", "findings"])
    test = {"test-corpus": folder / "test-corpus", "model": folder / "model"}
    test |= {"init": "base", "settings": "{}"}
    stage(folder, "evaluate", test, ["scores", "predictions", "metrics", "confusion"])
    [block] = json.loads((folder / "scores").read_text(encoding="utf-8"))["tasks"].values()
    return Trained(folder, block, list(read_predictions(folder / "predictions")))


SPLITS = ("train", "dev", "test")
CONVERT = [*(f"{split}-corpus" for split in SPLITS), "convert-report"]


def stage(folder: Path, name: str, inputs: dict[str, Any], outputs: list[str]) -> None:
    arguments = {"tasks": TASKS, **inputs, **{one: folder / one for one in outputs}}
    assert run_stage(name, arguments) == 0


def test_it_learns_spans_inside_spans(trained: Trained) -> None:
    assert trained.block["unit"] == "spans"
    assert trained.block["overall"]["f"] > 0.9
    assert {label: row["support"] for label, row in trained.block["labels"].items()} == {
        "CUE": 36,
        "SCOPE": 36,
    }
    assert all(row["interval"]["f"] for row in trained.block["labels"].values())
    assert trained.block["confusion"]["labels"] == ["CUE", "SCOPE", "(none)"]


def test_what_nobody_read_is_not_scored(trained: Trained) -> None:
    assert trained.block["documents"] == len(trained.predictions) == 36


def test_sizes_are_those_of_the_corpus(trained: Trained) -> None:
    """A cue has one word, its scope two to five; no span has six."""
    config = load_config(trained.folder / "model" / "config.cfg")
    suggester = trained.block["suggester"]
    assert config["components"]["negation"]["suggester"]["sizes"] == suggester["sizes"]
    assert suggester["sizes"][0] == 1
    assert suggester["sizes"][-1] <= 5
    assert suggester["recall"] >= 0.9
    assert 1 < suggester["cost"] < 5


def test_the_model_is_stock(trained: Trained) -> None:
    """spaCy opens it where nothing of ours can be imported, and says the same."""
    texts = [one.text for one in trained.predictions]
    program = (
        "import sys, json, spacy\n"
        "nlp = spacy.load(sys.argv[1])\n"
        "assert not [name for name in sys.modules if name.startswith('components')]\n"
        "print(json.dumps([[(s.start_char, s.end_char, s.label_) for s in doc.spans['negation']]"
        " for doc in nlp.pipe(json.load(sys.stdin))]))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(trained.folder / "model")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        cwd=trained.folder,
    )
    said = [sorted(Span(*span) for span in spans) for spans in json.loads(done.stdout)]
    assert said == [one.predicted for one in trained.predictions]
