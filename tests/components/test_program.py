"""A stage whose options are all in the executor input does what it does with them written out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from components.program import options_in
from components.records.record import Span, write_records
from components.stage import StageResult, write_executor_output
from tests.support.forking import fresh
from tests.support.records import ner_record


def executor_input(folder: Path, records: Path) -> dict[str, Any]:
    """What KFP tells `subsample`, with whole numbers as Vertex AI writes them."""
    return {
        "inputs": {
            "parameterValues": {"percent": 50.0, "timeout": 0.0},
            "artifacts": {"train_set": {"artifacts": [{"uri": str(records)}]}},
        },
        "outputs": {
            "artifacts": {"kept": {"artifacts": [{"uri": str(folder / "kept")}]}},
            "outputFile": str(folder / "executor.json"),
        },
    }


def test_a_stage_takes_its_options_from_the_executor_input(tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    write_records(records, [ner_record(f"{n}", f"text {n}", [Span(0, 4, "A")]) for n in range(8)])
    task = json.dumps(executor_input(tmp_path, records))
    assert main(["subsample", "--executor-input", task, "--from-executor-input"]) == 0

    written_out = ["--train-set", str(records), "--percent", "50", "--timeout", "0"]
    assert main(["subsample", *written_out, "--kept", str(tmp_path / "same")]) == 0
    assert (tmp_path / "kept").read_bytes() == (tmp_path / "same").read_bytes()


def test_a_whole_number_may_be_written_as_a_double(tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    write_records(records, [ner_record("1", "text", [Span(0, 4, "A")])])
    words = ["subsample", "--train-set", str(records), "--kept", str(tmp_path / "kept")]
    assert main([*words, "--percent", "50.0", "--timeout", "3600.0"]) == 0
    with pytest.raises(SystemExit):
        main([*words, "--percent", "50.5"])


def test_values_are_written_as_kfp_writes_them() -> None:
    values = {"some_list": ["ä", 1.0], "table": {"a.b": 20.0, "c": 0.5}, "text": 'a "b"\n'}
    task = {
        "inputs": {
            "parameterValues": values,
            "artifacts": {"model": {"artifacts": [{"uri": "gs://bucket/model"}]}},
        },
        "outputs": {"outputFile": "/gcs/bucket/executor.json"},
    }
    assert options_in(json.dumps(task)) == [
        *("--some-list", '["ä", 1]'),
        *("--table", '{"a.b": 20, "c": 0.5}'),
        *("--text", 'a "b"\n'),
        *("--model", "/gcs/bucket/model"),
    ]


def test_the_executor_input_has_what_vertex_ai_puts_in_beside(tmp_path: Path) -> None:
    """As kfp's execute_commands_args_test.py recorded it: a text of every parameter, and no list.

    What is not there is not written empty: a task without artifacts has no `artifacts`.
    """
    records = tmp_path / "records.jsonl"
    write_records(records, [ner_record(f"{n}", f"text {n}", [Span(0, 4, "A")]) for n in range(8)])
    folder = tmp_path / "123456789012" / "demo-1" / "subsample_-6100000000000000000"
    task = executor_input(folder, records)
    values = task["inputs"]["parameterValues"]
    task["inputs"]["parameters"] = {
        name: {"stringValue": json.dumps(value)} for name, value in values.items()
    }
    assert main(["subsample", "--executor-input", json.dumps(task), "--from-executor-input"]) == 0
    written = json.loads((folder / "executor.json").read_bytes())
    assert written["artifacts"]["kept"]["artifacts"][0]["uri"] == str(folder / "kept")

    bare = {"inputs": {}, "outputs": {"outputFile": str(folder / "bare.json")}}
    write_executor_output(json.dumps(bare), StageResult(parameters={"why": "because"}))
    assert json.loads((folder / "bare.json").read_bytes()) == {
        "parameterValues": {"why": "because"},
        "artifacts": {},
    }


def test_stages_that_predict_nothing_do_without_torch(tmp_path: Path) -> None:
    """Loading it would take longer than their work; what loads it later finds it all the same."""
    span = {"start": 4, "end": 7, "label": "ORG"}
    rows = [{"text": f"The BBC {n}.", "answer": "accept", "spans": [span]} for n in range(3)]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "export.jsonl").write_text(lines, encoding="utf-8")
    code = """
import sys
from components.__main__ import main
assert main(sys.argv[1:]) == 0
assert "spacy" in sys.modules and "torch" not in sys.modules
import torch
"""
    outputs = ("quarantine", "data-report", "report", "summary", "snapshot", "decision-summary")
    arguments = [f"--{name}={tmp_path / name}" for name in (*outputs, "store", "examples")]
    sources = json.dumps([{"path": str(tmp_path / "export.jsonl")}])
    task = json.dumps([{"name": "ner", "kind": "ner", "labels": ["ORG"]}])
    command = [sys.executable, "-c", code, "ingest", "--sources", sources, "--tasks", task]
    with fresh():
        subprocess.run([*command, "--model=m", *arguments], check=True)
