"""`retrain run` whose training is killed: the retry and the next run go on, to the same weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Every evaluation ties with the one before, so that the last weights are the ones that are kept.
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
        training.max_steps: 200
        training.eval_frequency: 50
        training.score_weights.ents_f: 0.0
        components.tok2vec.model.embed.rows: [500, 100, 250, 250]
        components.tok2vec.model.encode.width: 48
        components.tok2vec.model.encode.depth: 2
      checkpoint_every: 5
      checkpoint_share: 1
    gate: {mode: report-only}
    model: {name: ner-phase-1}
"""


@pytest.fixture
def projects(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same config and annotations."""
    lines = (ROOT / "configs/sample/phase1.jsonl").read_bytes().splitlines(keepends=True)[:150]
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "small.yaml").write_text(CONFIG, encoding="utf-8")
        (tmp_path / name / "phase1.jsonl").write_bytes(b"".join(lines))
    return tmp_path / "whole", tmp_path / "killed"


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines", "run", "small.yaml", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def finish(run: subprocess.Popen[str]) -> None:
    output = run.communicate()[0]
    assert run.returncode == 0, output


def trainings(folder: Path) -> Iterator[int]:
    """Ids of the train stages that run in a project."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if (
                words[1:4] == [b"-m", b"components", b"train"]
                and (path / "cwd").readlink() == folder
            ):
                yield int(path.name)
        except OSError:  # it has ended meanwhile
            continue


def wait_for_checkpoint(run: subprocess.Popen[str], folder: Path, after: int) -> int:
    """Wait for a checkpoint of a later step than `after`; return its step."""
    while run.poll() is None:
        for path in folder.glob("runs/checkpoints/*/LATEST"):
            name = json.loads(path.read_bytes())["checkpoints"][0]["name"]
            step = int(name.removeprefix("ckpt-"))
            if step > after:
                return step
        time.sleep(0.05)
    raise AssertionError(f"the run ended too early:\n{run.communicate()[0]}")


def test_a_killed_training_goes_on_in_the_retry_and_in_the_next_run(
    projects: tuple[Path, Path],
) -> None:
    whole, killed = projects
    finish(start(whole))
    run = start(killed)
    step = wait_for_checkpoint(run, killed, after=0)
    [training] = trainings(killed)
    os.kill(training, signal.SIGKILL)
    # The runner tries again; then it is killed itself, as when a machine is switched off.
    wait_for_checkpoint(run, killed, after=step + 20)
    run.kill()
    run.communicate()
    while list(trainings(killed)):
        time.sleep(0.05)
    finish(start(killed))
    logs = [
        path.read_text(encoding="utf-8") for path in sorted(killed.glob("runs/*/logs/*train.log"))
    ]
    assert [log.count("Resumed after step") for log in logs] == [1, 1]
    for part in ("tok2vec", "ner"):
        one, two = (
            next(folder.glob(f"models/ner-phase-1/1/model/{part}/model")).read_bytes()
            for folder in projects
        )
        assert one == two
    assert list((killed / "runs/checkpoints").iterdir()) == []
