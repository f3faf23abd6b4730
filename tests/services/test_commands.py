"""`retrain submit`, `runs` and `schedule`, as a person types them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.errors import ConfigError, RemoteError
from pipelines.cli import app
from pipelines.cli.runs import remote
from pipelines.services import watch
from tests.services.kits import Kit
from tests.vertex.conftest import commit_all


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_submit_show_list_logs_and_cancel(kit: Kit, config: Path) -> None:
    submitted = json.loads(retrain("submit", config, "--json"))
    assert submitted["new"]
    run = submitted["run"]
    assert retrain("submit", config).startswith(f"Found {run} (")

    there = ("--where", kit.name, "--config", config)
    shown = json.loads(retrain("runs", "show", run, *there, "--json"))
    assert shown["phases"].keys() == {"phase-1", "phase-2"}
    kit.clock().busy = True  # it stays as it is while we look
    (listed,) = json.loads(retrain("runs", "list", *there, "--json"))
    assert (listed["run"], listed["labels"]["retrain-config"]) == (run, "demo")
    assert listed["phases"].keys() == shown["phases"].keys()
    assert run in retrain("runs", "list", *there)
    shown = retrain("runs", "show", run, *there)
    assert submitted["url"] in shown
    assert "phase-2/train" in shown
    assert kit.log in retrain("runs", "logs", run, "phase-1/train", *there)
    assert kit.stopping in retrain("runs", "cancel", run, "--config", config)
    kit.clock().busy = False
    assert "cancelled" in retrain("runs", "cancel", run, "--config", config)
    assert len(kit.double.sent("POST", kit.cancel.rstrip("$"))) == 1
    assert "--force" in retrain("submit", config)


def test_wait_tells_what_happens_until_the_end(
    kit: Kit, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    result = CliRunner().invoke(app, ["submit", str(config), "--wait"], catch_exceptions=False)
    assert kit.uploaded in result.stderr
    *_, state, first, second, url = result.stdout.splitlines()
    assert state.endswith(" succeeded")
    for phase, line in (("phase-1", first), ("phase-2", second)):
        assert re.match(rf"{phase}: done: (nothing is in|what is in) production", line)
    assert re.search(kit.console, url)


def test_wait_ends_with_the_tasks_that_failed(
    kit: Kit, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    kit.clock().failing = {"phase-2/train"}
    with pytest.raises(RemoteError, match=rf"demo-\w+-1 failed\. {kit.failed}"):
        retrain("submit", config, "--wait")
    # The other phase went on to its end.
    there = ("--where", kit.name, "--config", config, "--json")
    (run,) = json.loads(retrain("runs", "list", *there))
    tasks = json.loads(retrain("runs", "show", run["run"], *there))["tasks"]
    states = {task["task"]: task["state"] for task in tasks}
    assert retrain("runs", "list", *there[:-1]).splitlines()[-1].endswith("  failed in train")
    if kit.name == "kubeflow":  # its list has no tasks: they are asked for, of the newest runs
        monkeypatch.setattr(remote, "MOST_ASKED", 0)
        listed = retrain("runs", "list", *there[:-1])
        assert listed.splitlines()[-1].endswith("  failed (more: retrain runs show)")
    assert (states["phase-1/upload"], states["phase-2/train"]) == ("succeeded", "failed")


def test_a_run_that_there_is_not_is_named(kit: Kit, config: Path) -> None:
    there = ("--where", kit.name, "--config", config)
    with pytest.raises(ConfigError, match=f"there is no run 'demo-9' in {kit.missing}"):
        retrain("runs", "show", "demo-9", *there)
    with pytest.raises(ConfigError, match=f"--where {kit.name} needs --config"):
        retrain("runs", "list", "--where", kit.name)
    assert retrain("runs", "list", *there).startswith("No runs")


def test_the_schedule_commands_say_what_they_do(kit: Kit, config: Path) -> None:
    with pytest.raises(ConfigError, match="add a `schedule` section"):
        retrain("schedule", "plan", config)
    text = config.read_text(encoding="utf-8")
    text += 'schedule: {cron: "0 3 * * 1", timezone: UTC}\n'
    config.write_text(text, encoding="utf-8")
    commit_all(config.parent)
    assert "done: create retrain-demo" in retrain("schedule", "apply", config)
    assert [each["when"] for each in kit.parameters()] == ["due"]
    assert "active" in retrain("schedule", "list", config).split()
    assert retrain("schedule", "run-now", config).startswith("Submitted demo-")
    assert retrain("schedule", "pause", config).startswith("retrain-demo is paused.")
    again = retrain("schedule", "plan", config)
    assert again.startswith("resume 1: it is paused, and enabled is true")
    assert len(kit.schedules()) == 1
    assert retrain("schedule", "delete", config) == "retrain-demo is deleted.\n"
    with pytest.raises(ConfigError, match="the schedule is not as declared"):
        retrain("schedule", "run-now", config)


def test_classes_are_submitted_and_scheduled_as_entities_are(kit: Kit, config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    tasks = "tasks: {topic: {kind: textcat, labels: [TAX, VISA]}}\n    train: {config: cnn-classes}"
    text = text.replace("labels: [MONEY]", tasks)
    config.write_text(f'{text}schedule: {{cron: "0 3 * * 1", timezone: UTC}}\n', encoding="utf-8")
    commit_all(config.parent)
    assert json.loads(retrain("submit", config, "--json"))["new"]
    assert "done: create retrain-demo" in retrain("schedule", "apply", config)
    assert [each["when"] for each in kit.parameters()] == ["due"]
