"""Every stage, on a bucket that belongs to somebody else, from the annotations to the registry."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
import spacy
import yaml
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from components.registry.base import pointed_to
from components.registry.open import open_registry
from components.train.checkpoint import Latest
from pipelines.config.load import load
from pipelines.dag.compile import compiled
from tests.gcs.conftest import MOUNT, Mounted
from tests.support.kfp_rules import Executor, Job
from tests.vertex.conftest import ROOT
from tests.vertex.double import Double

CONFIG = """\
name: demo
target: vertex
vertex: {{project: my-project, location: us-central1, pipeline_root: "gs://{bucket}/runs"}}
phases:
  phase-1:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: ["gs://{bucket}/phase1.jsonl"]
    ingest: {{required: []}}
    split: {{dev: 0.15, test: 0.25, group_by: meta.base_path}}
    train:
      config: {root}/pipelines/config/training/cnn.cfg
      set: {{training.max_steps: 60, training.eval_frequency: 20}}
      checkpoint_every: 5
      checkpoint_share: 1
    gate: {{min_f: 0, max_interval: 1, min_support: 1}}
    model: {{name: ner-phase-1}}
"""
# No capability is left: to the kernel it is a user like any other, who can still run this Python.
NOBODY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@dataclass
class Machine:
    """Runs a task's command as Vertex AI's machine does, and once kills a training."""

    user: list[str]
    kill: bool = True
    logs: dict[str, str] = field(default_factory=dict)

    def run(self, job: Job) -> None:
        for attempt in range(job.retries + 1):
            process = subprocess.Popen(
                [*self.user, sys.executable, *job.words[1:]],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if job.task.endswith("/train") and self.kill and attempt == 0:
                kill_after_a_checkpoint(process)
            self.logs[job.task] = process.communicate()[0]
            if process.returncode == 0:
                return
        raise AssertionError(f"{job.task} ended with {process.returncode}: {self.logs[job.task]}")


def kill_after_a_checkpoint(process: subprocess.Popen[str]) -> None:
    """Kill a training as soon as there is something to go on from."""
    while process.poll() is None:
        files = list(MOUNT.glob("*/runs/checkpoints/*/LATEST"))
        if files and msgspec.json.decode(files[0].read_bytes(), type=Latest).checkpoints:
            process.send_signal(signal.SIGKILL)
            return
        time.sleep(0.02)


def bucket_with(documents: int) -> storage.Bucket:
    """A new bucket with the first annotations of the sample."""
    client = storage.Client(project="my-project", credentials=AnonymousCredentials())
    bucket = client.create_bucket(f"test-{uuid4().hex}")
    annotate(bucket, documents)
    return bucket


def annotate(bucket: storage.Bucket, documents: int) -> None:
    with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
        lines = b"".join(itertools.islice(file, documents))
    bucket.blob("phase1.jsonl").upload_from_string(lines)


def executor(bucket: storage.Bucket, folder: Path, machine: Machine, run: str) -> Executor:
    """Compile the pipeline for a bucket, for one run of it."""
    config = folder / "demo.yaml"
    config.write_text(CONFIG.format(bucket=bucket.name, root=ROOT), encoding="utf-8")
    root = f"gs://{bucket.name}/runs/{run}"
    names = {"pipeline_job_name": run, "pipeline_root": root}
    spec = yaml.safe_load(compiled(load(config)))
    return Executor(spec, root, machine.run, names)


@pytest.mark.parametrize(
    ("user", "modes", "again"),
    [
        pytest.param([], ("644", "755"), False, id="root, gcsfuse's default modes"),
        pytest.param(NOBODY, ("777", "777"), True, id="another user, where everybody may write"),
    ],
)
def test_a_pipeline_runs_on_a_bucket_of_somebody_else(
    user: list[str],
    modes: tuple[str, str],
    again: bool,
    mounted: Mounted,
    double: Double,
    tmp_path: Path,
) -> None:
    mounted(*modes)
    bucket = bucket_with(120)
    machine = Machine(user)

    first = executor(bucket, tmp_path, machine, "first")
    first.pipeline({})

    assert "Resumed" in machine.logs["phase-1/train"]
    log = MOUNT / bucket.name / "runs/first/phase-1/train/log"
    assert {path.name for path in log.iterdir()} == {"training.log", "history.jsonl", "tensorboard"}
    registry = open_registry(load(tmp_path / "demo.yaml").pipeline.registry_url)
    champion = pointed_to(registry.versions("ner-phase-1"), "champion")
    assert champion and champion.number == "1"
    assert "ner" in spacy.load(champion.uri.replace("gs://", "/gcs/")).pipe_names
    assert list((MOUNT / bucket.name / "runs/checkpoints").iterdir()) == []
    assert not list(MOUNT.rglob(".*.tmp"))

    if again:
        measured_against_the_champion(bucket, tmp_path, machine)


def measured_against_the_champion(bucket: storage.Bucket, folder: Path, machine: Machine) -> None:
    """The next run reads the model in production where it lies."""
    annotate(bucket, 150)
    machine.kill = False
    executor(bucket, folder, machine, "second").pipeline({})
    scores = json.loads((MOUNT / bucket.name / "runs/second/phase-1/evaluate/scores").read_bytes())
    (block,) = scores["tasks"].values()
    assert block["champion"]["overall"]["support"] == block["overall"]["support"] > 0


def test_a_user_who_may_not_write_gets_one_message(mounted: Mounted, tmp_path: Path) -> None:
    mounted("644", "755")
    bucket = bucket_with(5)
    record = json.dumps({"id": "a" * 64, "text": "One.", "answers": {}})
    bucket.blob("records.jsonl").upload_from_string(record)
    words = ["-m", "components", "subsample", "--train-set", f"/gcs/{bucket.name}/records.jsonl"]
    words += ["--percent", "50", "--kept", f"/gcs/{bucket.name}/kept"]
    run = subprocess.run(
        [*NOBODY, sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr == (
        f"subsample: /gcs/{bucket.name}/kept: user 0 may not write there (Permission denied). Run "
        "the image as root, as it is by default, or mount the bucket or volume so that this user "
        "may write: docs/containers.md.\n"
    )
