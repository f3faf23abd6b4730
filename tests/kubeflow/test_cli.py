"""`retrain` with target: kubeflow, as a person types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.errors import ConfigError, RemoteError
from pipelines.cli import app
from pipelines.services import watch
from tests.kubeflow.double import Double
from tests.vertex.conftest import commit_all


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_submit_show_list_logs_and_cancel(double: Double, config: Path) -> None:
    submitted = json.loads(retrain("submit", config, "--json"))
    assert submitted["new"]
    run = submitted["run"]
    assert retrain("submit", config).startswith(f"Found {run} (")

    on_kubeflow = ("--where", "kubeflow", "--config", config)
    (listed,) = json.loads(retrain("runs", "list", *on_kubeflow, "--json"))
    assert (listed["run"], listed["labels"]["retrain-config"]) == (run, "demo")
    retrain("runs", "show", run, *on_kubeflow)
    double.runs.busy = True  # it stays as it is while we look
    shown = retrain("runs", "show", run, *on_kubeflow)
    assert submitted["url"] in shown
    assert "phase-2/train" in shown
    log = retrain("runs", "logs", run, "phase-1/train", *on_kubeflow)
    (made,) = double.runs.by_id.values()
    assert f"kubectl logs --namespace kubeflow --selector pipeline/runid={made['run_id']}" in log
    assert "cancelling" in retrain("runs", "cancel", run, "--config", config)
    double.runs.busy = False
    assert "cancelled" in retrain("runs", "cancel", run, "--config", config)
    assert len(double.sent("POST", ":terminate")) == 1
    assert "--force" in retrain("submit", config)


def test_wait_tells_what_happens_until_the_end(
    double: Double, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    result = CliRunner().invoke(app, ["submit", str(config), "--wait"], catch_exceptions=False)
    assert "phase-1 · upload  done in 100 s" in result.stderr
    assert result.stdout.splitlines()[-1].startswith(f"{double.url}/#/runs/details/")


def test_wait_ends_with_exit_5_when_a_task_fails(
    double: Double, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    double.runs.failing = {"phase-2/train"}
    with pytest.raises(RemoteError, match=r"demo-\w+-1 failed\. http"):
        retrain("submit", config, "--wait")
    (run,) = json.loads(
        retrain("runs", "list", "--where", "kubeflow", "--config", config, "--json")
    )
    shown = retrain("runs", "show", run["run"], "--where", "kubeflow", "--config", config, "--json")
    states = {task["task"]: task["state"] for task in json.loads(shown)["tasks"]}
    assert states["phase-1/train"] == "succeeded"
    assert states["phase-2/train"] == "failed"


def test_tasks_whose_phase_cannot_be_told_do_not_look_as_if_they_had_not_begun(
    double: Double, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that makes the ids of its nodes in another way."""
    run = json.loads(retrain("submit", config, "--json"))["run"]
    details = double.runs.details

    def renamed(found: dict[str, object]) -> list[dict[str, object]]:
        nodes = details(found)
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
        lambda found: [one for one in details(found) if ".condition-1" not in one["task_id"]],
    )
    shown = ("runs", "show", run, "--where", "kubeflow", "--config", config, "--json")
    states = {task["task"]: task["state"] for task in json.loads(retrain(*shown))["tasks"]}
    assert (states["phase-1/ingest"], states["phase-1/train"]) == ("running", "pending")
    states = {task["task"]: task["state"] for task in json.loads(retrain(*shown))["tasks"]}
    assert (states["phase-1/ingest"], states["phase-1/train"]) == ("succeeded", "not_triggered")


def test_a_run_that_there_is_not_is_named(double: Double, config: Path) -> None:
    with pytest.raises(
        ConfigError, match="there is no run 'demo-9' in the experiment demo of http"
    ):
        retrain("runs", "show", "demo-9", "--where", "kubeflow", "--config", config)
    with pytest.raises(ConfigError, match="its target is kubeflow: use --where kubeflow"):
        retrain("runs", "list", "--where", "vertex", "--config", config)
    assert retrain("runs", "list", "--where", "kubeflow", "--config", config).startswith("No runs")


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


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        (
            "2.4.1",
            "is Kubeflow Pipelines 2.4.1; 2.5.0 is needed. It lacks retries, and the volume's",
        ),
        ("2.2.0", "limits of CPU and memory, and a place to write"),
        ("2.5.0", ""),
        ("sha-0123abc", ""),
    ],
)
def test_doctor_says_what_an_old_cluster_lacks(
    double: Double, config: Path, tag: str, said: str
) -> None:
    double.tag = tag
    result = CliRunner().invoke(app, ["doctor", str(config), "--json"], catch_exceptions=False)
    findings = {each["check"]: each for each in json.loads(result.stdout)}
    assert findings["its version"]["passed"] == (said == "")
    assert said in findings["its version"]["message"]
    assert "fsGroup" in findings["volume"]["message"]


def test_doctor_finds_what_can_be_found(double: Double, config: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", str(config), "--json"], catch_exceptions=False)
    findings = {each["check"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert all(each["passed"] for each in findings.values())
    assert double.sent("POST") == []

    double.multi_user = True
    config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["doctor", str(config)], catch_exceptions=False)
    assert result.exit_code == 5
    assert "MISSING  config can be traced: " in result.stdout
    assert "MISSING  Kubeflow Pipelines answers: kubeflow.namespace" in result.stdout


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


def test_the_schedule_commands_say_what_they_do(double: Double, config: Path) -> None:
    declare(config, '{cron: "0 3 * * 1"}')
    with pytest.raises(ConfigError, match="reads every cron in the time zone of its installation"):
        retrain("schedule", "plan", config)
    declare(config, '{cron: "0 3 * * 1", timezone: UTC}')
    assert "done: create retrain-demo" in retrain("schedule", "apply", config)
    assert " active " in retrain("schedule", "list", config)
    assert retrain("schedule", "run-now", config).startswith("Submitted demo-")
    assert retrain("schedule", "pause", config).startswith("retrain-demo is paused.")
    assert retrain("schedule", "plan", config).startswith("resume 1: it is paused")
    assert retrain("schedule", "delete", config) == "retrain-demo is deleted.\n"
    with pytest.raises(ConfigError, match="the schedule is not as declared"):
        retrain("schedule", "run-now", config)
