"""A team's daily life with Vertex AI, as a person types it: the same on the double and for real.

tests/vertex/test_daily.py runs these against the double, and `make test-vertex PROJECT=…` against a
project. They look only at what the commands say. `place` is a committed config of one phase whose
model may be named MODEL.
"""

from __future__ import annotations

import json
from pathlib import Path

import spacy
from typer.testing import CliRunner

from components.registry.open import open_registry
from components.registry.promotion import add_and_promote
from pipelines.cli import app
from pipelines.config.load import load
from tests.vertex.conftest import MakeArtefact

MODEL = "retrain-test"


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_doctor_finds_nothing_missing(place: Path) -> None:
    findings = json.loads(retrain("doctor", place, "--json"))
    assert [finding for finding in findings if finding["passed"] is False] == []


def test_a_run_from_the_plan_to_its_end(place: Path) -> None:
    planned = json.loads(retrain("plan", place, "--json"))
    run = json.loads(retrain("submit", place, "--json"))["run"]
    assert run == planned["run"]
    # The same work again: this run is found, and waited for.
    again = retrain("submit", place, "--wait")
    assert again.startswith(f"Found {run} (")
    assert f"{run} succeeded" in again.splitlines()

    on_vertex = ("--where", "vertex", "--config", place)
    listed = json.loads(retrain("runs", "list", *on_vertex, "--json"))
    assert [each["run"] for each in listed].count(run) == 1
    shown = json.loads(retrain("runs", "show", run, *on_vertex, "--json"))
    assert shown["state"] == "succeeded"
    assert {task["state"] for task in shown["tasks"]} <= {"succeeded", "skipped"}
    assert "phase-1/train" in retrain("runs", "logs", run, "phase-1/train", *on_vertex)
    assert "succeeded" in retrain("runs", "cancel", run, "--config", place)
    planned = json.loads(retrain("plan", place, "--json"))
    assert (planned["exists"], planned["state"]) == (True, "succeeded")


def test_versions_are_kept_promoted_rolled_back_and_pulled(
    place: Path, artefact: MakeArtefact, tmp_path: Path
) -> None:
    registry = open_registry(load(place).pipeline.registry_url)
    first, _ = add_and_promote(registry, MODEL, "champion", artefact("pound", decision="hold"))
    second, _ = add_and_promote(registry, MODEL, "champion", artefact("euro", decision="hold"))
    again, _ = add_and_promote(registry, MODEL, "champion", artefact("pound", decision="hold"))
    assert again.number == first.number

    on_vertex = ("--where", "vertex", "--config", place)
    for version in (first, second):
        retrain("models", "promote", MODEL, version.number, *on_vertex)
    shown = json.loads(retrain("models", "show", MODEL, *on_vertex, "--json"))
    assert (shown["version"], shown["replaced"]) == (second.number, first.number)
    assert "withdrawn and kept" in retrain("models", "rollback", MODEL, *on_vertex)
    shown = json.loads(retrain("models", "show", MODEL, *on_vertex, "--json"))
    assert shown["version"] == first.number

    retrain("models", "pull", MODEL, first.number, "-o", tmp_path / "pulled", *on_vertex)
    assert spacy.load(tmp_path / "pulled").meta["name"] == "pound"


def test_a_schedule_is_made_once_paused_resumed_and_deleted(place: Path) -> None:
    try:
        assert "done: create" in retrain("schedule", "apply", place)
        assert "done:" not in retrain("schedule", "apply", place)
        assert "is as declared" in retrain("schedule", "plan", place)
        assert "is paused" in retrain("schedule", "pause", place)
        (there,) = json.loads(retrain("schedule", "list", place, "--json"))
        assert there["paused"]
        assert "is active" in retrain("schedule", "resume", place)
    finally:
        assert "is deleted" in retrain("schedule", "delete", place)
    assert json.loads(retrain("schedule", "list", place, "--json")) == []
