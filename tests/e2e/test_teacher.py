"""A phase that teaches another: in one run, and again once its audit has been reviewed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from components.registry.assignment import read
from pipelines.local.launch import run_config
from pipelines.local.run import RunResult

pytestmark = pytest.mark.xdist_group("teacher")

WORDS = {"TAX": ["refund", "return", "wages"], "VISA": ["border", "passport", "entry"]}
SMALL = {
    "training.max_steps": 20,
    "training.eval_frequency": 10,
    "components.tok2vec.model.encode.width": 32,
    "components.tok2vec.model.encode.depth": 1,
}
CONFIG: dict[str, Any] = {
    "name": "taught",
    "registry": "models",
    "defaults": {
        "task": "textcat",
        "labels": [*WORDS],
        "annotations": ["gold.jsonl", "reviewed.jsonl"],
        "split": {"dev": 0.25, "test": 0.25},
        "train": {"config": "cnn-classes", "set": SMALL},
        "gate": {"min_f": 0.0, "max_interval": 1.0, "on_equal": "promote"},
    },
    "phases": {
        "small": {
            "teacher": {"phase": "big", "texts": ["pool.txt"], "audit": 12},
            "gate": {"min_teacher_precision": 0.9},
            "model": {"name": "small"},
        },
        "big": {"model": {"name": "big"}},
    },
}


def text(draw: random.Random, label: str) -> str:
    """Words of which hardly any two texts share many."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    filling = ["".join(draw.choices(letters, k=6)) for _ in range(5)]
    return " ".join([draw.choice(WORDS[label]), *filling])


def row(text: str, label: str) -> str:
    options = [{"id": one, "text": one} for one in WORDS]
    return json.dumps({"text": text, "options": options, "accept": [label], "answer": "accept"})


def run(folder: Path) -> RunResult:
    result = run_config(
        folder / "taught.yaml", out=folder / "runs", console=Console(quiet=True), workers=1
    )
    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    return result


def made(result: RunResult, stage: str, name: str) -> Path:
    return result.path / "small" / stage / name


def test_a_big_phase_teaches_a_small_one_and_a_bad_audit_holds_it(tmp_path: Path) -> None:
    draw = random.Random(0)
    gold = [row(text(draw, label), label) for label in WORDS for _ in range(40)]
    pool = [text(draw, draw.choice([*WORDS])) for _ in range(30)]
    (tmp_path / "gold.jsonl").write_text("\n".join(gold), encoding="utf-8")
    (tmp_path / "reviewed.jsonl").write_text(gold[0], encoding="utf-8")
    (tmp_path / "pool.txt").write_text("\n".join(pool), encoding="utf-8")
    (tmp_path / "taught.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")

    first = run(tmp_path)
    tasks = first.record.tasks
    assert str(tasks["big/upload"].ended) <= str(tasks["small/ingest"].started)
    report = json.loads(made(first, "label", "label_report").read_text(encoding="utf-8"))
    assert (report["teacher"], report["learnt"]) == ("big 1", 30)
    corpora = json.loads(made(first, "convert", "convert_report").read_text())["corpora"]
    assert {name: one["silver"] for name, one in corpora.items()} == {
        "train": 30,
        "dev": 0,
        "test": 0,
    }
    [block] = json.loads(made(first, "evaluate", "scores").read_text())["tasks"].values()
    assert block["teacher"]["version"] == "big 1"
    kept = tmp_path / "models/small/1"
    assert len(read(kept / "assignment.json").silver) == 30
    page = (kept / "report.html").read_text(encoding="utf-8")
    assert "Teacher and student" in page
    assert "None of the 12 texts drawn" in page
    assert "teacher's precision was not checked: 0 of 12" in page.replace("&#39;", "'")
    assert "answered: 30" in (kept / "MODEL_CARD.md").read_text(encoding="utf-8")

    again = run(tmp_path)
    assert again.record.tasks["small/label"].state == "reused"
    assert again.record.tasks["small/train"].state == "reused"

    # Annotators find the teacher wrong in all that it was certain of.
    reviewed = [
        json.loads(line) for line in made(first, "label", "review").read_text().splitlines()
    ]
    assert len(reviewed) == 12
    assert {one["meta"]["split"] for one in reviewed} == {"train"}
    other = {"TAX": "VISA", "VISA": "TAX"}
    for one in reviewed:
        one |= {"accept": [other[one["accept"][0]]], "answer": "accept"}
    (tmp_path / "reviewed.jsonl").write_text("\n".join(map(json.dumps, reviewed)), encoding="utf-8")
    held = run(tmp_path)
    report = json.loads(made(held, "label", "label_report").read_text(encoding="utf-8"))
    assert report["left_out"] == {"annotated": 12}
    decision = json.loads(made(held, "upload", "gate_decision").read_text(encoding="utf-8"))
    assert decision["decision"] == "hold"
    [rule] = [one for one in decision["rules"] if one["name"] == "min_teacher_precision"]
    assert (rule["result"], rule["measured"]) == ("fail", 0.0)
    assert "Of 12 audited texts annotators found the teacher right in 0" in rule["text"]
    # Nothing that annotators said of them came into dev or test.
    splits = {name: made(held, "split", f"{name}_set").read_text() for name in ("dev", "test")}
    assert not any(one["text"] in said for one in reviewed for said in splits.values())
