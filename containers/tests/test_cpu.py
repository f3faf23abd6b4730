"""What the cpu image promises, inside it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

STAGES = (
    *("champion", "convert", "due", "fingerprint", "gate"),
    *("ingest", "notify", "register", "report", "split", "upload"),
)


def stage(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "components", *arguments], check=True)


def test_no_model_library_for_a_gpu() -> None:
    assert [name for name in ("torch", "transformers", "cupy") if find_spec(name)] == []


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_of_this_image_can_be_imported_whole(name: str) -> None:
    stage(name, "--help")


@pytest.mark.parametrize(
    "module", ["components.registry.vertex", "spacy.tokens", "matplotlib.pyplot"]
)
def test_what_stages_import_late_is_whole(module: str) -> None:
    import_module(module)


def test_a_stage_reads_and_writes(tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    lines = [{"id": f"{n:064x}", "text": f"Text {n}", "answers": {"ner": {}}} for n in range(50)]
    records.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    outputs = {
        f"--{name.replace('_', '-')}": tmp_path / name
        for name in ("train_set", "dev_set", "test_set", "assignment", "split_report")
    }
    arguments = [str(part) for pair in outputs.items() for part in pair]
    stage(
        "split",
        "--annotations",
        str(records),
        "--tasks",
        '[{"name": "ner", "labels": ["A"]}]',
        "--settings",
        "{}",
        *arguments,
    )
    assert all(path.is_file() for path in outputs.values())
