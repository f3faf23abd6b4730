"""Entities and their status, from an export to one model, a report and a server's answer."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.answers.models import Question, Source, load
from pipelines.local.launch import run_config
from pipelines.local.run import RunResult

pytestmark = pytest.mark.xdist_group("assertion")
PHASE = """\
name: small
registry: models
phases:
  notes:
    tasks:
      findings: {kind: ner, labels: [FINDING]}
      status:
        {kind: assertion, of: findings, labels: [Present, Absent, Past], default: Present}
    annotations: [notes.jsonl]
    split: {dev: 0.2, test: 0.3}
    train:
      config: cnn-tasks
      set: {training.max_steps: 150, training.eval_frequency: 50}
    gate: {tasks: {status: {min_macro_f: 0.7}}}
    model: {name: notes}
"""
FINDINGS = ["fever", "cough", "nausea", "pain", "swelling", "rash", "vertigo", "tremor", "oedema"]
SAYS = {"Absent": "no {}", "Past": "{} last year", "Present": "marked {}"}
TEXT = "She has no fever; marked cough; nausea last year."
STOCK = """
import json, sys, spacy
sys.modules["components"] = sys.modules["pipelines"] = None
doc = spacy.load(sys.argv[1])(sys.argv[2])
print(json.dumps([[one.text, one.label_] for one in doc.spans["status"]]))
"""


def notes(count: int) -> str:
    """Prodigy's lines: notes of one to three findings, whose spans say what is not present."""
    draw = random.Random(0)
    lines = []
    for number in range(count):
        text, spans = f"Note {number}: she has", []
        for finding in draw.sample(FINDINGS, draw.randint(1, 3)):
            status = draw.choice([*SAYS])
            start = len(text) + 1 + SAYS[status].index("{}")
            span: dict[str, Any] = {
                "start": start,
                "end": start + len(finding),
                "label": "FINDING",
            }
            spans.append(span if status == "Present" else {**span, "assertion": status})
            text += f" {SAYS[status].format(finding)};"
        row = {"text": f"{text[:-1]}.", "spans": spans, "answer": "accept"}
        lines.append(json.dumps({**row, "_view_id": "ner_manual"}))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    folder = tmp_path_factory.mktemp("assertion")
    (folder / "notes.jsonl").write_text(notes(240), encoding="utf-8")
    (folder / "small.yaml").write_text(PHASE, encoding="utf-8")
    result = run_config(
        folder / "small.yaml",
        [],
        phases=None,
        tasks=(),
        out=folder / "runs",
        console=Console(quiet=True),
    )
    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    return folder, result


def test_both_ways_to_score_it(done: tuple[Path, RunResult]) -> None:
    _, result = done
    blocks = json.loads((result.path / "notes/evaluate/scores").read_text("utf-8"))["tasks"]
    status = blocks["status"]
    assert [*status["labels"]] == ["Present", "Absent", "Past"]
    assert status["overall"]["support"] == blocks["findings"]["overall"]["support"]
    # Of each annotated entity exactly one status is said.
    assert status["overall"]["predicted"] == status["overall"]["support"]
    assert status["macro"]["f"] > 0.7
    whole = status["end_to_end"]["overall"]
    assert whole["support"] == status["overall"]["support"]
    assert whole["f"] <= min(status["overall"]["f"], blocks["findings"]["overall"]["f"]) + 0.02
    assert whole["interval"]["f"][0] <= whole["f"] <= whole["interval"]["f"][1]
    assert status["mixed"]["documents"] > 0
    assert status["floor"]["labels"]["Absent"]["f"] > 0.9  # the rules know “no”


def test_the_report_and_the_gate_say_both(done: tuple[Path, RunResult]) -> None:
    _, result = done
    page = (result.path / "notes/upload/report.html").read_text("utf-8")
    assert "End to end" in page
    assert "rules: words around an entity" in page
    gate = json.loads((result.path / "notes/upload/gate_decision").read_text("utf-8"))
    assert {"min_macro_f"} <= {rule["name"] for rule in gate["rules"] if rule["task"] == "status"}
    assert gate["decision"] == "promote"
    log = (result.path / "notes/train/log/history.jsonl").read_text("utf-8").splitlines()
    assert {"findings.f", "status.f"} <= json.loads(log[-1]).keys()


def test_the_model_is_made_of_spacys_own_parts(done: tuple[Path, RunResult]) -> None:
    folder, _ = done
    model = folder / "models/notes/1/model"
    assert not (model / "code.py").exists()
    said = subprocess.run(
        [sys.executable, "-I", "-c", STOCK, model, TEXT],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    found = json.loads(said.stdout)
    assert ["fever", "Absent"] in found
    models = load([Source("notes", model, "1")])
    [answer] = models.analyse([TEXT], Question(("notes",), confidence=True))
    entities = {
        one.text: {task: status.label for task, status in (one.statuses or {}).items()}
        for one in answer.entities
    }
    assert entities == {text: {"status": label} for text, label in found}
    assert answer.spans is None  # they are no spans of their own
