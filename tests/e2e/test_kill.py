"""Whole runs that are killed, damaged or withdrawn: what is in production is what should be.

RETRAIN_KILLS says how many kills of whole runs: `make test-kill` asks for a hundred. A fifth as
many hit the upload, a promotion, a rollback and a server.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from components.registry.local import LocalRegistry
from components.registry.promotion import past_of
from tests.components.registry.test_crash import prepared
from tests.containers.conftest import Running, predict

pytestmark = pytest.mark.xdist_group("whole")

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("RETRAIN_KILLS", "10"))
FEWER = max(KILLS // 5, 1)
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
      set:
        training.max_steps: 20
        training.eval_frequency: 10
        components.tok2vec.model.encode.width: 32
        components.tok2vec.model.encode.depth: 1
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


def files(*folders: Path) -> int:
    return sum(len(names) for folder in folders for *_, names in os.walk(folder))


def killed_when(reached: Callable[[], bool], command: list[str], folder: Path) -> bool:
    """Start a command and kill all of it once it has come so far; whether it was."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    while not reached():
        try:
            process.wait(timeout=0.001)
        except subprocess.TimeoutExpired:
            continue
        return False
    # At its very beginning it has no group of its own yet.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    return process.wait() == -signal.SIGKILL


def kill_after(folder: Path, more: int) -> bool:
    """Start a run and kill it once there are so many more files; whether it was."""
    places = (folder / "runs", folder / "models")
    there = files(*places)
    return killed_when(lambda: files(*places) >= there + more, RUN, folder)


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(
    whole: Path, tmp_path: Path
) -> None:
    expected = production(whole)
    steps = max(files(whole / "runs", whole / "models") // 8, 1)
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


def test_an_upload_that_is_killed_is_completed_by_the_next_run(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "project", symlinks=True)
    expected, there = production(whole), files(whole / "models")
    for number in range(FEWER):
        shutil.rmtree(folder / "models")
        # From its first file to its last one.
        more = 1 + number * there // FEWER
        killed_when(lambda more=more: files(folder / "models") >= more, RUN, folder)  # type: ignore[misc]
        run(folder)
        assert production(folder) == expected, f"killed at file {more}"


@pytest.mark.parametrize("words", [("promote", "ner", "1"), ("rollback", "ner")])
def test_a_command_that_is_killed_before_it_spoke_is_completed_by_the_same_one(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "pipelines", "models", *words]
    before = prepared(tmp_path / "before", "").folder

    def outcome(folder: Path) -> Any:
        past = past_of(LocalRegistry(folder / "models"), "ner", "champion")
        return past.stack, [(one.kind, one.version, one.replaced) for one in past.operations]

    def project(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(before, folder / "models")
        return folder

    def whole_command(folder: Path) -> None:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    undisturbed = project("undisturbed")
    started = time.monotonic()
    whole_command(undisturbed)
    took = time.monotonic() - started
    source = random.Random(20)
    for number in range(FEWER):
        folder = project(str(number))
        at = time.monotonic() + source.uniform(0, took)
        # Any moment will do, the end of the process included.
        killed_when(lambda at=at: time.monotonic() >= at, command, folder)  # type: ignore[misc]
        if "is version" not in (folder / "log").read_text(encoding="utf-8"):
            whole_command(folder)
        assert outcome(folder) == outcome(undisturbed), f"kill {number}"


def test_a_server_that_is_killed_leaves_nothing_and_its_next_answers_the_same(
    whole: Path, tmp_path: Path
) -> None:
    registry, temporary = whole / "models", tmp_path / "temporary"
    temporary.mkdir()
    before = production(whole)
    answers = []
    for _ in range(FEWER + 1):
        server = Running(
            "ner-phase-1",
            "--port=0",
            f"--registry={registry}",
            program=(sys.executable, "-m", "pipelines", "serve"),
            cwd=tmp_path,
            TMPDIR=str(temporary),
        ).until_ready()
        answers.append(predict(server.url, "Send form P60 to HM Revenue by 31 January."))
        server.kill()
        assert server.wait() == -signal.SIGKILL
        assert [*temporary.iterdir()] == []
    assert answers == [answers[0]] * len(answers)
    assert production(whole) == before


def last_notes(folder: Path) -> str:
    record = json.loads(max(folder.glob("runs/2*/run.json")).read_text(encoding="utf-8"))
    return " ".join(task["note"] for task in record["tasks"].values())


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
    assert run(folder, *other)["outcome"] == "withdrawn"
    assert "has changed or is gone; running again" in last_notes(folder)
    assert production(folder) == before
