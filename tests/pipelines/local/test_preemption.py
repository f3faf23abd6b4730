"""A spot machine that is taken away in the middle of training: the retry goes on, not anew."""

from __future__ import annotations

import itertools
import json
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import yaml

from pipelines.config.load import load
from pipelines.dag.compile import compiled
from pipelines.local.run import run_spec
from pipelines.local.runner.launchers import Command, ThisMachine
from pipelines.local.runner.listeners import Nobody
from tests.support.narrow import quick

ROOT = Path(__file__).parents[3]
CONFIG = """\
name: small
target: vertex
vertex: {project: my-project, location: europe-west2, pipeline_root: "gs://a-bucket/runs"}
defaults:
  split: {dev: 0.15, test: 0.25}
  ingest: {required: []}
  train:
    config: cnn
    set: QUICK
    checkpoint_every: 5
    checkpoint_share: 1
  compute: {train: {spot: true, retries: 1}}
  gate: {min_f: 0, max_interval: 1, min_support: 1}
phases:
  phase-1:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: [phase1.jsonl]
    model: {name: ner-phase-1}
""".replace("QUICK", quick(60, 20))
# Runs the command that follows, and ends it without a word once there is a checkpoint.
TAKEN_AWAY = """\
import pathlib, subprocess, sys, time
process = subprocess.Popen(sys.argv[2:])
while process.poll() is None and not list(pathlib.Path(sys.argv[1]).glob("*/LATEST")):
    time.sleep(0.02)
process.kill()
sys.exit(137)
"""


class Spot(ThisMachine):
    """Takes the first machine of `train` away."""

    def __init__(self, checkpoints: Path) -> None:
        super().__init__()
        self.checkpoints = checkpoints
        self.taken = 0

    def launch(self, command: Command) -> AbstractContextManager[Command]:
        if "train" in command.argv and not self.taken:
            self.taken += 1
            words = [sys.executable, *command.argv[1:]]
            argv = ["python", "-c", TAKEN_AWAY, str(self.checkpoints), *words]
            command = replace(command, argv=argv)
        return super().launch(command)


def test_a_retry_resumes_from_the_last_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(CONFIG, encoding="utf-8")
    with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
        (tmp_path / "phase1.jsonl").write_bytes(b"".join(itertools.islice(file, 120)))
    spec = yaml.safe_load(compiled(load(tmp_path / "small.yaml")))
    assert '"strategy": "SPOT"' in json.dumps(spec).replace("\\", "")
    checkpoints = tmp_path / "checkpoints"

    result = run_spec(
        spec,
        out=tmp_path / "runs",
        cwd=tmp_path,
        name="small",
        listener=Nobody(),
        parameters={"registry": str(tmp_path / "models"), "checkpoints": str(checkpoints)},
        launcher=Spot(checkpoints),
    )

    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    assert result.record.tasks["phase-1/train"].attempts == 2
    log = (result.path / "logs/phase-1.train.log").read_text(encoding="utf-8")
    assert "Resumed after step " in log
    assert result.record.tasks["phase-1/upload"].parameters["version"] == "1"
