"""What is particular to commands on Vertex AI; tests/services has what holds everywhere."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.errors import ConfigError
from pipelines.cli import app
from pipelines.services import watch
from pipelines.services.vertex import runs
from tests.vertex.conftest import ROOT, commit_all
from tests.vertex.double import Double


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_phase_that_waits_is_reported_from_one_that_trained(
    double: Double, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    double.jobs.waiting = {"phase-2": "nothing is new."}
    submitted = ("submit", str(config), "--param", "when=due", "--wait")
    result = CliRunner().invoke(app, submitted, catch_exceptions=False)
    assert result.exit_code == 0
    assert "phase-2 · ingest  WAITS: nothing is new. Nothing is trained." in result.stderr
    assert "phase-1 · upload  done in " in result.stderr
    assert "phase-2 · upload" not in result.stderr

    (job,) = double.jobs.by_name.values()
    assert dict(job.runtime_config.parameter_values) == {"when": "due"}
    run = ("runs", "show", job.name.rpartition("/")[2], "--where", "vertex", "--config", config)
    shown = retrain(*run)
    waits = "phase-2: not trained, nothing is due: nothing is in production"
    assert f"{waits}\n  because  nothing is new.\n" in shown
    assert "phase-1: not trained" not in shown
    assert "condition" not in shown
    phases = json.loads(retrain(*run, "--json"))
    assert phases["waits"] == {"phase-2": "nothing is new."}
    assert "phase-2/train" not in {task["task"] for task in phases["tasks"]}


def test_a_pipeline_with_all_that_a_config_may_ask_for_is_taken(
    double: Double, config: Path
) -> None:
    more = """\
parallel: false
notify: {webhook: projects/p/secrets/hook/versions/latest, emails: [team@example.org]}
"""
    text = config.read_text(encoding="utf-8").replace(
        "  train: {config: cnn.cfg}\n",
        "  train: {config: cnn.cfg}\n  compute: {train: {spot: true}}\n",
    )
    config.write_text(text + more, encoding="utf-8")
    commit_all(config.parent)
    assert json.loads(retrain("submit", config, "--json"))["new"]
    (job,) = double.jobs.by_name.values()
    email = "vertex-pipelines-notification-email"
    asked = {"phase-1/train", "phase-2/train", "phase-1/held/notify", f"phase-1/{email}", "notify"}
    assert asked <= {task.path for task in runs.tasks_of(job)}


def test_an_interrupted_wait_leaves_the_run_alone(double: Double, config: Path) -> None:
    double.jobs.busy = True
    waiting = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "submit", str(config), "--wait"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr and waiting.stderr.readline().startswith("run demo-")
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate()
    assert waiting.returncode == 130
    (job,) = double.jobs.by_name.values()
    assert f"The run goes on: retrain runs show {job.name.rpartition('/')[2]}" in said
    assert double.sent("POST", ":cancel") == []


def test_this_machine_is_no_target_to_submit_to(double: Double, config: Path) -> None:
    with pytest.raises(ConfigError, match=r"target: local\. `retrain run` runs it here"):
        retrain("submit", config, "--set", "target=local")
    assert double.requests == []
