"""Whole runs that are killed, damaged or withdrawn: what is in production is what should be.

RETRAIN_KILLS says how many kills: `make test-kill` asks for a hundred.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.registry.local import LocalRegistry

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("RETRAIN_KILLS", "10"))
CONFIG = """\
name: small
registry: models
phases:
  phase-1:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: [phase1.jsonl]
    ingest: {required: []}
    split: {dev: 0.15, test: 0.25, group_by: meta.base_path}
    train:
      config: cnn
      set: {training.max_steps: 20, training.eval_frequency: 10}
      checkpoint_every: 5
      checkpoint_share: 1
    gate: {mode: report-only}
    model: {name: ner-phase-1}
"""
RUN = [sys.executable, "-m", "pipelines", "run", "small.yaml", "--json"]


def new_project(folder: Path) -> Path:
    folder.mkdir()
    lines = (ROOT / "configs/sample/phase1.jsonl").read_bytes().splitlines(keepends=True)[:120]
    (folder / "small.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "phase1.jsonl").write_bytes(b"".join(lines))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run that nobody disturbed; tests change copies of it."""
    folder = new_project(tmp_path_factory.mktemp("e2e") / "whole")
    run(folder)
    return folder


def run(folder: Path, *options: str, code: int = 0) -> dict[str, Any]:
    result = subprocess.run(
        [*RUN, *options], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == code, result.stderr
    summary: dict[str, Any] = json.loads(result.stdout)["phases"]["phase-1"]
    return summary


def production(folder: Path) -> Any:
    """The versions, what they hold, and what was and is in production."""
    registry = LocalRegistry(folder / "models")
    versions = registry.versions("ner-phase-1")
    for version in versions:
        registry.verify(version)
    operations = [(entry.operation, entry.done) for entry in registry.history("ner-phase-1")]
    return (
        [(version.number, version.artefact, version.aliases) for version in versions],
        [(one.kind, one.version, one.replaced, done) for one, done in operations],
        [path.name for path in registry.folder.rglob(".*") if path.name != ".lock"],
    )


def files(folder: Path) -> int:
    return sum(len(names) for place in ("runs", "models") for *_, names in os.walk(folder / place))


def kill_after(folder: Path, more: int) -> bool:
    """Start a run and kill all of it once there are so many more files; whether it was."""
    there = files(folder)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            RUN,
            cwd=folder,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    while files(folder) < there + more:
        try:
            process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(
    whole: Path, tmp_path: Path
) -> None:
    expected = production(whole)
    steps = max(files(whole) // 8, 1)
    kills, round_ = 0, 0
    while kills < KILLS:
        folder = new_project(tmp_path / f"killed-{round_}")
        # Each round kills elsewhere, until one of its runs comes to its end.
        while kills < KILLS and kill_after(folder, steps + round_ + kills % 3):
            kills += 1
        run(folder)
        assert production(folder) == expected, f"after {kills} kills"
        shutil.rmtree(folder)
        round_ += 1


def test_nothing_withdrawn_and_nothing_damaged_comes_into_production(
    whole: Path, tmp_path: Path
) -> None:
    folder = new_project(tmp_path / "project")
    shutil.copytree(whole / "models", folder / "models")
    # The same data and config somewhere else: the same model, file for file.
    assert run(folder)["outcome"] == "in-production"
    assert [version[0] for version in production(folder)[0]] == ["1"]

    other = ("--set", "phases.phase-1.training.max_steps=10")
    assert run(folder, *other)["outcome"] == "promoted"
    rollback = [sys.executable, "-m", "pipelines", "models", "rollback", "ner-phase-1"]
    subprocess.run(rollback, cwd=folder, check=True, capture_output=True)
    again = run(folder, *other, "--strict", code=4)
    assert (again["decision"], again["outcome"]) == ("promote", "withdrawn")
    assert "withdrawn before" in (folder / "runs/index.html").read_text(encoding="utf-8")
    registry = LocalRegistry(folder / "models")
    assert registry.pointed("ner-phase-1", "champion") == "1"

    # A byte of a cached model changes, and neither size nor time show it.
    weights = Path(again["model"]) / "ner" / "model"
    before, content, times = production(folder), bytearray(weights.read_bytes()), weights.stat()
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    damaged = subprocess.run(
        [*RUN, *other], cwd=folder, capture_output=True, text=True, check=False
    )
    assert damaged.returncode == 3
    assert "not what the stage before wrote" in damaged.stderr + damaged.stdout
    assert production(folder) == before
