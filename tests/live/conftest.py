"""A real project on Google Cloud, named by the environment: see docs/testing-vertex.md."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest
from google.cloud import storage

from tests.vertex.conftest import ROOT, artefact, commit_all
from tests.vertex.daily import MODEL

__all__ = ["artefact"]
USAGE = (
    "These tests run in a project of yours, and cost a little: "
    "make test-vertex PROJECT=my-project [REGION=europe-west2] [BUCKET=my-project-retrain] "
    "[IMAGES=images.lock.yaml]. docs/testing-vertex.md says what they need."
)
CONFIG = """\
name: retrain-test
target: vertex
images: {{lock: images.lock.yaml}}
vertex:
  project: {project}
  location: {region}
  pipeline_root: gs://{bucket}/retrain-test
  service_account: retrain@{project}.iam.gserviceaccount.com
schedule: {{cron: "0 3 1 1 *"}}
defaults:
  train: {{config: cnn.cfg, set: {{training.max_steps: 20, training.eval_frequency: 10}}}}
  ingest: {{required: []}}
  gate: {{min_f: 0, max_interval: 1, min_support: 1}}
  compute: {{train: {{machine: e2-standard-4, timeout: 1h}}, evaluate: {{machine: e2-standard-4}}}}
phases:
  phase-1:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: ["gs://{bucket}/{annotations}"]
    model: {{name: {model}-run}}
"""
ANNOTATIONS = "retrain-test-annotations/phase1.jsonl"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed config of one small phase, without a GPU, in the project."""
    project = os.environ.get("PROJECT")
    images = Path(os.environ.get("IMAGES") or ROOT / "images.lock.yaml")
    if not project or not images.is_file():
        pytest.exit(USAGE if not project else f"{images}: `make push` writes it. {USAGE}", 2)
    region = os.environ.get("REGION") or "europe-west2"
    bucket = os.environ.get("BUCKET") or f"{project}-retrain"
    annotate(project, bucket)
    folder = tmp_path_factory.mktemp("repository")
    values = {"project": project, "region": region, "bucket": bucket}
    text = CONFIG.format(**values, annotations=ANNOTATIONS, model=MODEL)
    (folder / "live.yaml").write_text(text, encoding="utf-8")
    for source in (images, ROOT / "pipelines/config/training/cnn.cfg"):
        (folder / source.name).write_bytes(source.read_bytes())
    if images.name != "images.lock.yaml":
        (folder / images.name).rename(folder / "images.lock.yaml")
    subprocess.run(["git", "-C", str(folder), "init", "-q"], check=True)
    commit_all(folder)
    return folder / "live.yaml"


def annotate(project: str, bucket: str) -> None:
    """Put the first annotations of the sample in the bucket, unless they are there."""
    with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
        lines = b"".join(itertools.islice(file, 120))
    blob = storage.Client(project=project).bucket(bucket).blob(ANNOTATIONS)
    if not blob.exists():
        blob.upload_from_string(lines)
