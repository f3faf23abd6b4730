"""Submit, run what was submitted, find the model in the registry, pull it: all on this machine."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import spacy
from google.cloud import storage
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.local import RunResult, run_spec
from pipelines.runner.listeners import Nobody
from tests.vertex.conftest import ROOT, commit_all
from tests.vertex.double import Double
from tests.vertex.jobs import spec_of

LABELS = "labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]"
MORE = """\
  ingest: {required: []}
  gate: {min_f: 0, max_interval: 1, min_support: 1}
"""


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_here(double: Double, folder: Path) -> RunResult:
    """Run the job that was submitted last as Vertex AI would: its own spec and parameters."""
    job = list(double.jobs.by_name.values())[-1]
    given = json_format.MessageToDict(type(job).pb(job).runtime_config).get("parameterValues", {})
    # In the job the spec is untyped, with every number a float.
    spec = json_format.ParseDict(spec_of(job), PipelineSpec())
    return run_spec(
        json_format.MessageToDict(spec),
        out=folder / "runs",
        cwd=folder,
        name=job.name.rpartition("/")[2],
        listener=Nobody(),
        # Vertex AI mounts buckets as /gcs, which no developer's machine has.
        parameters={**given, "checkpoints": str(folder / "checkpoints")},
    )


@pytest.fixture
def small(config: Path, bucket: storage.Bucket) -> Path:
    """The config with few training steps, and annotations that something can be learnt from."""
    text = config.read_text(encoding="utf-8").replace("labels: [MONEY]", LABELS)
    text = text.replace(
        "train: {config: cnn.cfg}",
        "train: {config: cnn.cfg, set: {training.max_steps: 20, training.eval_frequency: 10}}",
    )
    config.write_text(text.replace("phases:\n", f"{MORE}phases:\n"), encoding="utf-8")
    commit_all(config.parent)
    with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
        lines = b"".join(itertools.islice(file, 120))
    bucket.blob("phase1.jsonl").upload_from_string(lines)
    return config


def test_submit_run_registry_pull(double: Double, small: Path, tmp_path: Path) -> None:
    submitted = json.loads(retrain("submit", small, "--phase", "phase-1", "--json"))
    assert submitted["new"]

    result = run_here(double, tmp_path)

    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    on_vertex = ("--where", "vertex", "--config", small)
    (version,) = json.loads(retrain("models", "list", "ner-phase-1", *on_vertex, "--json"))
    assert version["aliases"] == ["candidate", "champion"]
    assert submitted["run"] in version["run"]

    target = tmp_path / "pulled"
    retrain("models", "pull", "ner-phase-1", version["run"], "-o", target, *on_vertex)
    assert "ner" in spacy.load(target).pipe_names
