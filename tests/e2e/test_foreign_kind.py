"""A kind of task from outside the product goes from an export to a report; with entities, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from spacy.util import load_config

from components.records.prediction import read_predictions
from pipelines.local.runs import find_task, read_record

ROOT = Path(__file__).parents[2]
TOPICS = "tests.support.topics"
PHASE = """\
name: small
registry: models
phases:
  letters:
{tasks}
    annotations: [letters.jsonl]
    ingest: {{required: []}}
    split: {{dev: 0.2, test: 0.3}}
    train:
      config: mine.cfg
      set: {{training.max_steps: 40, training.eval_frequency: 20}}
    gate: {{mode: report-only}}
    model: {{name: letters}}
"""
ALONE = f"    task: {TOPICS}\n    labels: [tax, visa]"
MIXED = f"""\
    tasks:
      entities: {{kind: ner, labels: [ORG]}}
      topic: {{kind: {TOPICS}, labels: [tax, visa]}}"""
CLASSIFIER = {
    "factory": "textcat_multilabel",
    "model": {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": False,
        "length": 1024,
        "ngram_size": 1,
        "no_output_layer": False,
        "nO": None,
    },
}


def letters() -> str:
    """Prodigy's lines, about one topic, two or none; every fourth names no topics at all."""
    lines = []
    for number in range(80):
        chosen = [["tax"], ["visa"], ["tax", "visa"], []][number % 4]
        words = {"tax": "Pay your tax bill", "visa": "Bring your visa papers"}
        text = f"Letter {number} from HMRC. " + ". ".join(words[one] for one in chosen)
        start = text.index("HMRC")
        line: dict[str, Any] = {
            "text": text, "spans": [{"start": start, "end": start + 4, "label": "ORG"}],
            "answer": "accept", "meta": {"number": number},
        }  # fmt: skip
        if number % 5:
            line["accept"] = chosen
        lines.append(json.dumps(line))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("tasks", "pipeline"),
    [
        (ALONE, ["textcat_multilabel"]),
        (MIXED, ["tok2vec", "ner", "textcat_multilabel"]),
    ],
    ids=["alone", "mixed"],
)
def test_from_an_export_to_a_report(tmp_path: Path, tasks: str, pipeline: list[str]) -> None:
    config = load_config(ROOT / "pipelines/config/training/cnn.cfg")
    config["nlp"]["pipeline"] = pipeline
    parts = {**config["components"], "textcat_multilabel": CLASSIFIER}
    config["components"] = {part: parts[part] for part in pipeline}
    config["training"]["score_weights"] = {"cats_micro_f": 1.0}
    config.to_disk(tmp_path / "mine.cfg")
    (tmp_path / "small.yaml").write_text(PHASE.format(tasks=tasks), encoding="utf-8")
    (tmp_path / "letters.jsonl").write_text(letters(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "small.yaml", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    phase = run["phases"]["letters"]
    name = "topic" if "topic:" in tasks else "topics"
    topic = phase["tasks"][name]
    assert topic["task"] == TOPICS
    assert set(topic["labels"]) == {"tax", "visa"}
    assert topic["overall"]["f"] > 0.6
    assert phase["tasks"].keys() == ({"entities", "topic"} if len(pipeline) > 1 else {"topics"})
    assert (phase["decision"], phase["version"]) == ("promote", "1")
    page = Path(phase["report"]).read_text(encoding="utf-8")
    assert "topics" in page

    record = read_record(Path(run["folder"]))
    files = find_task(record, "letters/evaluate").artifacts
    evaluated = [
        one for one in read_predictions(Path(files["predictions"].uri)) if one.task == name
    ]
    # A document whose topics nobody named is unknown, and neither right nor wrong.
    assert evaluated
    assert all(int(one.meta["number"]) % 5 for one in evaluated)
