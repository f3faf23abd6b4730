"""`retrain predict --where vertex`: a batch prediction job, whose container is the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from google.cloud import storage
from typer.testing import CliRunner

import retrain
from components.answers.models import Models, Source, load
from components.errors import ConfigError, DataError, RemoteError
from components.registry.open import open_registry
from components.registry.promotion import add_and_promote
from containers.serve.app import Server, build
from containers.serve.options import Options
from pipelines.cli import app
from pipelines.services.vertex import batch
from tests.containers.conftest import write_model
from tests.support.service import Fault
from tests.vertex.conftest import MakeArtefact
from tests.vertex.double import Double

IMAGE = "europe-docker.pkg.dev/my-project/retrain/serve:0123abc"
NAME = "ner-phase-1"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / NAME, {"London": "GPE", "£5": "MONEY"})


@pytest.fixture
def there(
    double: Double,
    config: Path,
    bucket: storage.Bucket,
    artefact: MakeArtefact,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """The config, with a version of its model in production that the real server answers for."""
    monkeypatch.setattr(batch, "POLL_SECONDS", 0.01)
    registry = open_registry(f"vertex://my-project/us-central1/{bucket.name}/models", IMAGE)
    add_and_promote(registry, NAME, "champion", artefact("pound", f=0.8))
    models: Models = load([Source(NAME, model, "1")])
    with TestClient(build(Server(Options.model_validate({}), lambda: models))) as client:
        while client.get("/health").status_code != 200:
            pass

        def answer(instances: list[Any], parameters: Any) -> list[Any]:
            body = {"instances": instances, "parameters": parameters}
            predictions: list[Any] = client.post("/predict", json=body).json()["predictions"]
            return predictions

        double.batches.server = answer
        yield config


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    path = tmp_path / "pool.csv"
    rows = "".join(f"{n},It is £5 in London {n}\n" for n in range(40))
    path.write_text(f"id,text\n{rows}", encoding="utf-8")
    return path


def predict(config: Path, pool: Path, out: Path, *options: str) -> str:
    words = ["predict", NAME, str(pool), "-o", str(out), "--where", "vertex", *options]
    result = CliRunner().invoke(app, [*words, "--config", str(config)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_comes_back_is_what_this_machine_says(
    there: Path, model: Path, pool: Path, tmp_path: Path
) -> None:
    printed = predict(there, pool, tmp_path / "far.jsonl", "--json")
    said = json.loads(printed[printed.index("{\n") :])  # behind the log of the server
    assert (said["texts"], said["begun_before"], said["versions"]) == (40, False, {NAME: "1"})
    retrain.predict_files(model, [str(pool)], tmp_path / "here.jsonl")
    here, far = (
        [json.loads(line) for line in (tmp_path / name).read_text("utf-8").splitlines()]
        for name in ("here.jsonl", "far.jsonl")
    )
    for row in here:
        row["versions"] = {NAME: "1"}
    assert far == here
    assert far[7]["meta"] == {"id": "7"}


def test_a_command_that_was_ended_finds_its_job_again(
    double: Double, there: Path, pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_state: str) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.cli.predict.say", end)
        with pytest.raises(InterruptedError):
            run(there, pool, tmp_path / "out.jsonl")
    assert len(double.batches.by_name) == 1
    predict(there, pool, tmp_path / "out.jsonl")
    # Nor does another output need another job; other settings do.
    predict(there, pool, tmp_path / "again.jsonl")
    assert len(double.batches.by_name) == 1
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()
    predict(there, pool, tmp_path / "unsure.jsonl", "--no-confidence")
    assert len(double.batches.by_name) == 2


def run(config: Path, pool: Path, out: Path, model: str = NAME, form: str = "jsonl") -> None:
    """The command, whose errors come as they are."""
    words = ["predict", model, str(pool), "-o", str(out), "--where", "vertex", "--format", form]
    CliRunner().invoke(
        app, [*words, "--config", str(config)], catch_exceptions=False, standalone_mode=False
    )


def test_a_text_that_does_not_come_back_once_is_an_error(
    double: Double, there: Path, pool: Path, tmp_path: Path
) -> None:
    double.batches.losing = 1
    with pytest.raises(RemoteError, match="39 of 40 texts came back"):
        run(there, pool, tmp_path / "out.jsonl")
    double.batches.by_name.clear()
    double.batches.losing, double.batches.doubling = 0, 1
    with pytest.raises(RemoteError, match="text 40 came back twice"):
        run(there, pool, tmp_path / "out.jsonl")
    double.batches.by_name.clear()
    double.batches.doubling, double.batches.failing = 0, "The model server exited."
    with pytest.raises(RemoteError, match=r"failed: The model server exited\."):
        run(there, pool, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    double.batches.failing = ""
    predict(there, pool, tmp_path / "out.jsonl")


def test_what_is_asked_wrongly_begins_no_job(
    double: Double, there: Path, pool: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="a batch prediction job gives jsonl alone"):
        run(there, pool, tmp_path / "out.jsonl", form="prodigy")
    with pytest.raises(ConfigError, match="there is no model 'other'"):
        run(there, pool, tmp_path / "out.jsonl", model="other")
    pool.write_text(f"text\n{'a' * 50_001}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"pool.csv:2: a text of 50,001 characters"):
        run(there, pool, tmp_path / "out.jsonl")
    assert not double.batches.by_name


def test_a_passing_fault_while_waiting_is_no_matter(
    double: Double, there: Path, pool: Path, tmp_path: Path
) -> None:
    double.faults.append(Fault("GET .*/batchPredictionJobs/", status=503, times=2))
    predict(there, pool, tmp_path / "out.jsonl")
