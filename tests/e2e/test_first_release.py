"""A registry and a run that were made before there were several tasks are still read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.results.compare import compare_phase
from pipelines.results.history import entries

OLD = Path(__file__).parents[1] / "first_release"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the first release left, as if it had been here."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    for record in tmp_path.glob("runs/*/run.json"):
        text = record.read_text(encoding="utf-8")
        record.write_text(text.replace("FOLDER", str(tmp_path)), encoding="utf-8")
    return tmp_path


def test_a_retrain_stands_on_what_the_first_release_left(folder: Path) -> None:
    [before] = entries(folder / "runs")
    assert before.message == "promoted to version 1"
    assert before.tasks["ner"]["unit"] == "entities"

    command = [sys.executable, "-m", "pipelines", "run", "small.yaml", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    phase = run["phases"]["phase-1"]
    champion = phase["tasks"]["ner"]["champion"]
    assert champion["seen"] == 0, "documents keep the splits that they had"
    assert champion["comparison"]["labels"]
    page = Path(phase["report"]).read_text(encoding="utf-8")
    assert "What changed against the model in production" in page
    assert "Entities of" not in page[page.index("What changed") :], "the same annotations"

    old = next(folder.glob("runs/2*-small")).resolve()
    [compared] = compare_phase(old, Path(run["folder"]), "phase-1")
    assert compared.shared
    assert compared.left_out == 0
    assert len(entries(folder / "runs")) == 2
