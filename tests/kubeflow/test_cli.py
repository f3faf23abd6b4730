"""What is particular to commands on Kubeflow; tests/services has what holds everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.errors import ConfigError
from pipelines.cli import app
from tests.kubeflow.double import Double
from tests.vertex.conftest import commit_all


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_tasks_of_an_unknown_phase_do_not_look_as_if_they_had_not_begun(
    double: Double, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that makes the ids of its nodes in another way."""
    run = json.loads(retrain("submit", config, "--json"))["run"]
    details = double.runs.details

    def renamed(run: dict[str, object]) -> list[dict[str, object]]:
        nodes = details(run)
        for number, node in enumerate(nodes):
            node["child_tasks"] = [{"pod_name": f"pod-{number}"}]
        return nodes

    monkeypatch.setattr(double.runs, "details", renamed)
    shown = ("runs", "show", run, "--where", "kubeflow", "--config", config)
    retrain(*shown)
    tasks = json.loads(retrain(*shown, "--json"))["tasks"]
    assert {task["task"] for task in tasks} >= {"?/train", "?/upload"}
    assert {task["state"] for task in tasks} == {"succeeded"}


def test_what_is_behind_a_condition_that_did_not_hold_was_not_run(
    double: Double, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phase that waits: the cluster makes no nodes of the rest."""
    run = json.loads(retrain("submit", config, "--json"))["run"]
    details = double.runs.details
    monkeypatch.setattr(
        double.runs,
        "details",
        lambda run: [one for one in details(run) if ".condition-1" not in one["task_id"]],
    )
    shown = ("runs", "show", run, "--where", "kubeflow", "--config", config, "--json")
    states = {task["task"]: task["state"] for task in json.loads(retrain(*shown))["tasks"]}
    assert (states["phase-1/ingest"], states["phase-1/train"]) == ("running", "pending")
    states = {task["task"]: task["state"] for task in json.loads(retrain(*shown))["tasks"]}
    assert (states["phase-1/ingest"], states["phase-1/train"]) == ("succeeded", "not_triggered")


def test_the_registry_on_the_volume_is_opened_where_the_volume_is_mounted(
    double: Double, config: Path, tmp_path: Path
) -> None:
    on_kubeflow = ("--where", "kubeflow", "--config", config)
    with pytest.raises(
        ConfigError, match=r"on the volume retrain-models of the cluster.*--registry"
    ):
        retrain("models", "list", *on_kubeflow)
    mounted = tmp_path / "mounted"
    shutil.copytree(Path(__file__).parents[1] / "kubeflow", mounted / "not-a-model")
    assert retrain("models", "list", *on_kubeflow, "--registry", mounted).startswith("No models")


def test_what_the_cluster_has_no_notion_of_is_said_with_exit_2(
    double: Double, config: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="does not say where a run left its artifacts"):
        retrain("pull", config, "-o", tmp_path / "pulled")
    with pytest.raises(ConfigError, match="there is no vertex section"):
        retrain("deploy", "ner-phase-1", "--endpoint", "e", "--config", config)


def test_plan_tells_what_submit_then_does_and_changes_nothing(double: Double, config: Path) -> None:
    what = json.loads(retrain("plan", config, "--json"))
    assert not what["exists"]
    assert double.sent("POST") == []
    assert json.loads(retrain("submit", config, "--json"))["run"] == what["run"]
    said = retrain("plan", config)
    assert f"submit would start nothing: {what['run']} does" in said


def declare(config: Path, schedule: str) -> None:
    """Declare a schedule in the config and commit it."""
    kept = config.read_text(encoding="utf-8").partition("schedule:")[0]
    config.write_text(f"{kept}schedule: {schedule}\n", encoding="utf-8")
    commit_all(config.parent)


def test_a_schedule_in_another_time_zone_than_the_clusters_is_refused(
    double: Double, config: Path
) -> None:
    declare(config, '{cron: "0 3 * * 1"}')
    with pytest.raises(ConfigError, match="reads every cron in the time zone of its installation"):
        retrain("schedule", "plan", config)


def test_runs_of_another_service_than_the_target_are_refused(double: Double, config: Path) -> None:
    with pytest.raises(ConfigError, match="its target is kubeflow: use --where kubeflow"):
        retrain("runs", "list", "--where", "vertex", "--config", config)
