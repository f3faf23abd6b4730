"""The services that these tests talk to: a double of Kubeflow Pipelines and an emulator of GCS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from google.cloud import storage

from components import patience
from pipelines.config.load import load
from pipelines.dag.compile import compiled
from pipelines.services.kubeflow.runs import KubeflowRuns, kubeflow_of
from pipelines.services.submission import Submission
from tests.kubeflow.double import Double
from tests.vertex.conftest import bucket, commit_all, gcs_server, write_config

__all__ = ["bucket", "gcs_server"]
SECTION = """\
target: kubeflow
kubeflow:
  host: {host}
  claim: retrain-models
  pipeline_root: gs://{bucket}/runs
  service_account: pipeline-runner
"""


@pytest.fixture
def submission() -> Submission:
    """The compiled pipeline of two phases."""
    return compiled_once()


@cache
def compiled_once() -> Submission:
    """Compiled once, also where tests of other folders use this fixture: it takes seconds."""
    with TemporaryDirectory() as folder:
        spec = compiled(load(config_in(Path(folder), "http://127.0.0.1:1", "a-bucket")))
    return Submission("demo", spec, {}, data="d" * 64, commit="c" * 40)


def config_in(folder: Path, host: str, bucket: str) -> Path:
    """A config of two phases whose target is Kubeflow Pipelines, with its training config."""
    path = write_config(folder, bucket)
    before, _, rest = path.read_text(encoding="utf-8").partition("target: vertex\n")
    images, _, phases = rest.partition("vertex:\n")
    text = before + SECTION.format(host=host, bucket=bucket) + images
    path.write_text(text + "defaults:\n" + phases.partition("defaults:\n")[2], encoding="utf-8")
    return path


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """Kubeflow Pipelines; the waits of its client are cut short."""
    service = Double()
    monkeypatch.setattr(patience, "FIRST_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(patience, "CALL_SECONDS", 2.0)
    yield service
    service.close()


@pytest.fixture
def config(double: Double, bucket: storage.Bucket, tmp_path: Path) -> Path:
    """A committed config of two phases whose target is the double."""
    folder = tmp_path / "repository"
    folder.mkdir()
    path = config_in(folder, double.url, bucket.name)
    subprocess.run(["git", "-C", str(folder), "init", "-q"], check=True)
    commit_all(folder)
    return path


@pytest.fixture
def runs(double: Double, tmp_path: Path) -> KubeflowRuns:
    """The runs of the double."""
    return kubeflow_of(load(config_in(tmp_path, double.url, "a-bucket")))
