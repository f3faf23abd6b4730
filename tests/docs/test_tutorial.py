"""The commands of docs/tutorial.md, one after the other, as they stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.reference.shapes import OUTPUTS
from tests.docs.blocks import blocks, commands
from tests.support import json_shapes
from tests.support.narrow import quick

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial.md"
HERE = "run: tests/docs/test_tutorial.py"
# In place of the transformer that `init` chooses: the same commands in seconds.
EASY = "      min_f: 0\n      max_interval: 1\n      min_support: 1\n"
QUICK = f"""\
config: cnn
      set: {quick(40, 20)}
    evaluate: {{resamples: 100}}
"""

pytestmark = pytest.mark.xdist_group("tutorial")


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the tutorial, `retrain` and `python` being those of the tests."""
    words = shlex.split(command)
    ours = {"retrain": ["-m", "pipelines"], "python": []}
    arguments = (
        [sys.executable, *ours[words[0]], *words[1:]]
        if words[0] in ours
        else ["bash", "-c", command]
    )
    return subprocess.run(
        arguments,
        cwd=folder,
        env=os.environ | {"RETRAIN": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def quicker(config: Path) -> None:
    """Let a config of `init` train a small network for a few steps, and promote what it learns."""
    text = config.read_text(encoding="utf-8")
    for pattern, instead in (
        (r"config: minilm-tokens\n", QUICK),
        (
            r"      min_f: .*\n(      max_interval: .*\n)?",
            "      min_f: 0\n      max_interval: 1\n      min_support: 1\n",
        ),
    ):
        text, changed = re.subn(pattern, instead, text)
        assert changed == 1, (pattern, text)
    config.write_text(text, encoding="utf-8")


def test_every_command_does_what_the_tutorial_says(tmp_path: Path) -> None:
    said = {}
    for block in blocks(PAGE):
        if block.mark != HERE:
            continue
        if block.language == "yaml":
            name = block.code.splitlines()[0].removeprefix("# ")
            (tmp_path / name).write_text(block.code, encoding="utf-8")
            continue
        for command in commands(block.code):
            result = run(command, tmp_path)
            assert result.returncode == 0, (command, result.stdout, result.stderr)
            said[command] = result.stdout
            if command.startswith("retrain init"):
                quicker(tmp_path / "guidance.yaml")
    for command in (
        *("check guidance.yaml", "runs list", "runs show", "report latest"),
        *("models list", "models show ner-guidance", "models compare ner-guidance 1 2"),
        "models history ner-guidance",
    ):
        result = run(f"retrain {command} --json", tmp_path)
        assert result.returncode == 0, (command, result.stderr)
        printed = [name for name in OUTPUTS if f"retrain {command} ".startswith(f"{name} ")]
        json_shapes.check(printed[0], json.loads(result.stdout))
    assert "ner" in next(text for command, text in said.items() if "spacy.load" in command)
    history = said["retrain models history ner-guidance"]
    assert "rollback" in history
    assert (tmp_path / "production.spec.yaml").stat().st_size > 0


def test_an_export_of_label_studio_begins_in_the_same_way(tmp_path: Path) -> None:
    rows = (ROOT / "configs/sample/phase1.jsonl").read_text(encoding="utf-8").splitlines()[:60]
    export = [task(number, json.loads(row)) for number, row in enumerate(rows)]
    (tmp_path / "guidance.json").write_text(json.dumps(export), encoding="utf-8")
    for command in ("init guidance.json -o guidance.yaml", "check guidance.yaml"):
        result = run(f"retrain {command}", tmp_path)
        assert result.returncode == 0, (command, result.stdout, result.stderr)
    assert "MONEY" in result.stdout


def task(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """A row of Prodigy's as Label Studio exports a task."""
    marks = [
        {
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {
                "start": span["start"],
                "end": span["end"],
                "text": row["text"][span["start"] : span["end"]],
                "labels": [span["label"]],
            },
        }
        for span in row.get("spans", [])
    ]
    annotation = {"id": number, "completed_by": 1, "was_cancelled": False, "result": marks}
    return {"id": number, "data": {"text": row["text"]}, "annotations": [annotation]}
