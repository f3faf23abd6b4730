"""A run as the cluster would run it: its spec, its volume, and the champion that lies there."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from google.cloud import storage
from typer.testing import CliRunner

from components.registry.base import Artefact
from components.registry.lineage import trace
from components.registry.open import open_registry
from components.registry.promotion import add_and_promote
from pipelines.cli import app
from tests.kubeflow.double import Double
from tests.support.narrow import quick
from tests.support.tiny_ner import make_docs, train_tiny
from tests.support.volume import run_on
from tests.vertex.conftest import ROOT, commit_all
from tests.vertex.test_end_to_end import LABELS, MORE


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """What is mounted at /retrain, with a model in production."""
    model = train_tiny(tmp_path / "tiny", make_docs(40), steps=5)
    scores = tmp_path / "scores.json"
    money = {"p": 0.5, "r": 0.5, "f": 0.5, "support": 40}
    text = json.dumps({"overall": money, "labels": {"MONEY": money}})
    scores.write_text(text, encoding="utf-8")
    lineage = trace(model, scores, decision="promote", digest="another", run="demo-older-1")
    registry = open_registry(str(tmp_path / "volume" / "models"))
    add_and_promote(
        registry, "ner-phase-1", "champion", Artefact(model, {"scores.json": scores}, lineage)
    )
    return tmp_path / "volume"


def test_a_run_is_measured_against_the_champion_on_the_volume(
    double: Double, config: Path, bucket: storage.Bucket, volume: Path, tmp_path: Path
) -> None:
    text = config.read_text(encoding="utf-8").replace("labels: [MONEY]", LABELS)
    text = text.replace(
        "train: {config: cnn.cfg}",
        f"train: {{config: cnn.cfg, set: {quick(20, 10)}}}",
    )
    config.write_text(text.replace("phases:\n", f"{MORE}phases:\n"), encoding="utf-8")
    commit_all(config.parent)
    with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
        bucket.blob("phase1.jsonl").upload_from_string(b"".join(itertools.islice(file, 120)))
    name = json.loads(retrain("submit", config, "--phase", "phase-1", "--json"))["run"]

    (sent,) = double.runs.by_id.values()
    spec = sent["pipeline_spec"]["pipeline_spec"]
    declared = spec["root"]["inputDefinitions"]["parameters"]
    assert declared["registry"]["defaultValue"] == "volume:///retrain/models"
    result = run_on(volume, spec, tmp_path, name)

    parameters = result.record.tasks["phase-1/ingest"].parameters
    assert parameters["champion_uri"] == str(volume / "models/ner-phase-1/1/model")
    scores = Path(result.record.tasks["phase-1/evaluate"].artifacts["scores"].uri)
    scored = json.loads(scores.read_text(encoding="utf-8"))["tasks"]["ner"]
    assert scored["champion"]["overall"]["support"] == scored["overall"]["support"] > 0
    on_kubeflow = ("--where", "kubeflow", "--config", config, "--registry", volume / "models")
    listed = json.loads(retrain("models", "list", "ner-phase-1", *on_kubeflow, "--json"))
    assert [version["version"] for version in listed] == ["1", "2"]
    assert name in listed[1]["run"]
