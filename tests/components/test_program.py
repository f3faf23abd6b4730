"""A stage whose options are all in the executor input does what it does with them written out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.__main__ import main
from components.program import options_in
from components.records.record import Span, write_records
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
