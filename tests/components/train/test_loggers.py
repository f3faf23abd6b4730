"""Curves for those who watch: TensorBoard's own reader and MLflow find what training wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from components.train.tensorboard import TensorBoardWriter
from tests.components.train.conftest import CONFIGS

Train = Callable[..., int]

CNN = {"training.max_steps": 40, "training.eval_frequency": 20}
LOGGERS = """\
[training.logger]
@loggers = "spacy.ChainLogger.v1"
logger1 = {"@loggers":"spacy.ConsoleLogger.v1"}
logger2 = {"@loggers":"spacy.MLflowLogger.v2","run_name":"nightly"}

"""


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every curve in a folder of event files: (step, value)."""
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_reads_what_the_history_says(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIP_TENSORBOARD_LOG_DIR", str(tmp_path / "vertex"))
    assert train("cnn", CNN) == 0
    lines = (tmp_path / "out/log/history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    points = curves(tmp_path / "out/log/tensorboard")
    assert points.keys() == {
        *("loss/ner", "loss/tok2vec", "score", "f", "p", "r", "learn_rate", "words_per_second")
    }
    for name in ("f", "learn_rate", "words_per_second"):
        assert points[name] == [(e["step"], pytest.approx(e[name], rel=1e-6)) for e in history]
    assert points["loss/ner"][-1] == (40, pytest.approx(history[-1]["losses"]["ner"], rel=1e-6))
    assert curves(tmp_path / "vertex") == points


def test_bucket_of_vertex_tensorboard_is_written_to_through_its_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts: list[str] = []
    monkeypatch.setattr("components.train.tensorboard.SummaryWriter", mounts.append)
    monkeypatch.setenv("AIP_TENSORBOARD_LOG_DIR", "gs://bucket/tensorboard/")
    TensorBoardWriter(tmp_path)
    assert mounts == [str(tmp_path / "tensorboard"), "/gcs/bucket/tensorboard/"]


def test_mlflow_keeps_the_run(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """spacy-loggers' own logger, with MLflow's store in a folder instead of a server."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    store = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    text = (CONFIGS / "cnn.cfg").read_text(encoding="utf-8")
    start, end = text.index("[training.logger]"), text.index("[training.score_weights]")
    assert train("cnn", CNN, config=text[:start] + LOGGERS + text[end:]) == 0
    [run] = mlflow.MlflowClient(store).search_runs(["0"])
    assert run.info.run_name == "nightly"
    assert run.info.status == "FINISHED"
    assert run.data.params["training.max_steps"] == "40"
    lines = (tmp_path / "out/log/history.jsonl").read_text(encoding="utf-8").splitlines()
    assert run.data.metrics["score"] == pytest.approx(json.loads(lines[-1])["score"])
    assert "ENTS_F" in (tmp_path / "out/log/training.log").read_text(encoding="utf-8")
