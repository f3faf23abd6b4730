"""The sample of several tasks at once, from five files to one model that says all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from spacy.util import load_config
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from components.answers.models import Question, Source, load
from components.records.prediction import read_predictions
from components.records.record import Record, read_records
from pipelines.local.run import RunResult
from pipelines.local.runs import find_task, read_record
from tests.e2e.conftest import run_mixed

pytestmark = pytest.mark.xdist_group("mixed")
TEXT = (
    "As our bin has lost its lid. I have to answer the court by tomorrow morning. "
    "I live at 7 Mill Lane."
)
PIPELINE = ["tok2vec", "entities", "tense_entities", "tense", "parts", "topic", "urgency"]
STOCK = """
import json, sys, spacy
sys.modules["components"] = sys.modules["pipelines"] = None
doc = spacy.load(sys.argv[1])(sys.argv[2])
said = {"ents": doc.ents, "spans": doc.spans["parts"], "tense": doc.spans["tense"]}
said = {name: [[one.text, one.label_] for one in spans] for name, spans in said.items()}
print(json.dumps(said | {"cats": doc.cats}))
"""


def blocks(result: RunResult) -> dict[str, Any]:
    scores = json.loads((result.path / "letters/evaluate/scores").read_text("utf-8"))
    return dict(scores["tasks"])


def test_every_task_is_scored_where_it_is_annotated(whole: tuple[Path, RunResult]) -> None:
    _, result = whole
    scored = blocks(result)
    assert [*scored] == ["entities", "topic", "urgency", "tense", "parts"]
    assert min(block["overall"]["f"] for block in scored.values()) > 0.8
    record = read_record(result.path)
    tested: list[Record] = list(
        read_records(Path(find_task(record, "letters/split").artifacts["test_set"].uri))
    )
    for name, block in scored.items():
        assert block["documents"] == sum(name in one.answers for one in tested) > 0
    assert scored["entities"]["documents"] < len(tested)  # one letter of three has none marked
    assert scored["tense"]["end_to_end"]["overall"]["f"] > 0.8
    predictions = Path(find_task(record, "letters/evaluate").artifacts["predictions"].uri)
    assert {one.task for one in read_predictions(predictions)} == {*scored}


def test_one_text_has_the_answers_of_all_passes(whole: tuple[Path, RunResult]) -> None:
    _, result = whole
    report = json.loads((result.path / "letters/ingest/data_report").read_text("utf-8"))
    assert report["records"]["kept"] == 420
    split = json.loads((result.path / "letters/split/split_report").read_text("utf-8"))
    # Every label of every task is in every split, in its share.
    for label in ("entities: WHEN", "topic: PLANNING", "urgency: URGENT"):
        documents = split["labels"][label]["documents"]
        assert documents["dev"] == pytest.approx(documents["train"] / 2, abs=3)
        assert documents["test"] == pytest.approx(documents["train"] / 2, abs=3)


def test_the_gate_is_of_all_tasks(whole: tuple[Path, RunResult]) -> None:
    _, result = whole
    gate = json.loads((result.path / "letters/upload/gate_decision").read_text("utf-8"))
    floors = {rule["task"]: rule["limit"] for rule in gate["rules"] if rule["name"] == "min_f"}
    assert floors == {
        "entities": 0.8,
        "topic": 0.8,
        "urgency": 0.7,
        "tense": 0.8,
        "parts": 0.8,
    }
    assert gate["decision"] == "promote"


def test_training_keeps_a_curve_of_each_task(whole: tuple[Path, RunResult]) -> None:
    _, result = whole
    log = result.path / "letters/train/log"
    lines = (log / "history.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    assert {"entities.f", "topic.f", "urgency.f", "tense.f", "parts.f"} <= last.keys()
    assert last["losses"].keys() == {"tok2vec", "entities", "topic", "urgency", "tense", "parts"}
    events = EventAccumulator(str(log / "tensorboard"))
    events.Reload()
    assert {"entities/f", "topic/p", "urgency/r", "loss/topic"} <= {*events.Tags()["scalars"]}
    page = (result.path / "letters/upload/report.html").read_text(encoding="utf-8")
    assert "The best F: of entities " in page
    assert page.count("F by label") >= 3


def test_the_model_needs_nothing_of_ours(whole: tuple[Path, RunResult]) -> None:
    folder, _ = whole
    model = folder / "models/letters/1/model"
    config = load_config(model / "config.cfg")
    assert config["nlp"]["pipeline"] == PIPELINE
    done = subprocess.run(
        [sys.executable, "-I", "-c", STOCK, model, TEXT],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    said = json.loads(done.stdout)
    assert ["7 Mill Lane", "ADDRESS"] in said["ents"]
    assert ["our bin", "THING"] in said["spans"]
    assert said["tense"] == [["tomorrow morning", "FUTURE"], ["7 Mill Lane", "NOW"]]
    assert said["cats"].keys() == {"TAX", "HOUSING", "WASTE", "PLANNING", "URGENT"}


def test_a_server_answers_all_tasks_at_once(whole: tuple[Path, RunResult]) -> None:
    folder, _ = whole
    models = load([Source("letters", folder / "models/letters/1/model", "1")])
    [answer] = models.analyse([TEXT], Question(("letters",)))
    assert {one.text: one.statuses and one.statuses["tense"].label for one in answer.entities} == {
        "tomorrow morning": "FUTURE",
        "7 Mill Lane": "NOW",
    }
    assert answer.spans is not None
    assert {(one.text, one.task) for one in answer.spans if one.label == "THING"} == {
        ("our bin", "parts")
    }
    assert answer.classes is not None
    assert {one.task: one.labels for one in answer.classes} == {
        "topic": ["WASTE"],
        "urgency": ["URGENT"],
    }


def test_one_task_alone_is_a_model_of_its_own(whole: tuple[Path, RunResult]) -> None:
    folder, _ = whole
    result = run_mixed(folder, "topic", steps=10)
    # The phase `places` has no such task and stays out; `topics` has no other, and is as it was.
    assert {task.branch for task in read_record(result.path).tasks.values()} == {
        "letters",
        "topics",
    }
    assert [*blocks(result)] == ["topic"]
    names = {path.name for path in (folder / "models").iterdir() if path.is_dir()}
    assert {"letters", "letters-topic", "letters-topics"} <= names
    versions = [path.name for path in (folder / "models/letters").iterdir()]
    assert [name for name in versions if name.isdigit()] == ["1"]
