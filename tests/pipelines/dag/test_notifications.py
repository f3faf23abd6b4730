"""Whom a pipeline tells how it ended: what its spec asks for, and a real run that tells."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from components.errors import ConfigError
from pipelines.config.load import load
from pipelines.dag.compile import compiled
from pipelines.local.launch import run_config
from pipelines.results.summary import summary
from tests.components.notify.test_command import Hook
from tests.support.narrow import quick

ROOT = Path(__file__).parents[3]
CONFIG = """\
name: small
notify: {webhook: "env:WEBHOOK", emails: [team@example.org]}
parallel: false
defaults:
  split: {dev: 0.15, test: 0.25}
  ingest: {required: []}
  train:
    config: cnn
    set: QUICK
phases:
  phase-1:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: [phase1.jsonl]
    model: {name: ner-phase-1}
  phase-2:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: [phase2.jsonl]
    gate: {min_f: 1, max_interval: 1, min_support: 1}
    model: {name: ner-phase-2}
""".replace("QUICK", quick(20, 10))


@pytest.fixture
def hook() -> Iterator[Hook]:
    running = Hook()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def config(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first phase's annotations are broken; the second's model cannot be good enough."""
    path = tmp_path / "small.yaml"
    monkeypatch.setenv("WEBHOOK", hook.url)
    path.write_text(CONFIG, encoding="utf-8")
    with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
        lines = list(itertools.islice(file, 120))
    (tmp_path / "phase2.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "phase1.jsonl").write_bytes(b"".join(lines)[:-40])
    return path


def test_a_failure_and_a_hold_are_reported_and_neither_stops_the_other(
    config: Path, hook: Hook, tmp_path: Path
) -> None:
    result = run_config(config, out=tmp_path / "runs", console=Console(quiet=True))

    assert result.exit_code == 3
    # The address is a secret: no file of the run, of its logs or of the cache holds it.
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert len(files) > 50
    assert not [path for path in files if b"token-of-ours" in path.read_bytes()]
    failed, held = sorted(hook.posted, key=lambda message: message["phase"])
    assert (failed["event"], failed["phase"], failed["run"]) == ("failed", "phase-1", result.run_id)
    assert failed["why"].startswith("phase-1/ingest: ")
    assert "phase1.jsonl:120" in failed["why"]
    said = {name: phase["message"] for name, phase in summary(result.path)["phases"].items()}
    assert {"phase-1": failed["message"], "phase-2": held["message"]} == said
    assert said["phase-1"] == "failed in ingest, production unchanged: nothing is in production"
    assert said["phase-2"] == "held as version 1, nothing is in production"
    assert (held["event"], held["phase"], held["decision"]) == ("held", "phase-2", "hold")
    gate_decision = json.loads((result.path / "phase-2/upload/gate_decision").read_bytes())
    assert held["why"] == gate_decision["headline"]
    states = {name: task.state for name, task in result.record.tasks.items()}
    # The first phase failed before the second began, and the second still ran.
    tasks = result.record.tasks
    ended, began = tasks["phase-1/ingest"].ended, tasks["phase-2/ingest"].started
    assert ended and began and ended <= began
    assert states["phase-2/upload"] == "succeeded"
    for email in ("phase-1-email", "phase-2-email", "phase-2/email"):
        assert states[email] == "skipped"
        assert tasks[email].note == "e-mail is sent on Vertex AI only"


def spec_with(*settings: str) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load(
        compiled(load(ROOT / "configs/govuk.yaml", list(settings)))
    )
    return spec


def test_each_phase_ends_with_an_email_of_its_final_status() -> None:
    tasks = spec_with("notify.emails=[a@example.org, b@example.org]")["root"]["dag"]["tasks"]
    emails = {task["taskInfo"]["name"]: task for task in tasks.values()}
    assert {*emails} == {"phase-1", "phase-2", "phase-1-email", "phase-2-email"}
    for phase in ("phase-1", "phase-2"):
        task = emails[f"{phase}-email"]
        assert task["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
        inputs = task["inputs"]["parameters"]
        assert inputs["pipeline_task_final_status"]["taskFinalStatus"]["producerTask"] == phase
        # Vertex AI takes constants only.
        recipients = inputs["recipients"]["runtimeValue"]["constant"]
        assert recipients == ["a@example.org", "b@example.org"]


def test_without_a_notify_section_nothing_is_added() -> None:
    assert {*spec_with()["root"]["dag"]["tasks"]} == {"phase-1", "phase-2"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["notify={}"], "notify: give emails, a webhook, or both"),
        (["notify.webhook=https://example.org/x"], r"notify\.webhook: this is a secret"),
        (["notify.webhook=env:HOOK"], r"notify\.webhook: a task on Vertex AI does not have"),
        (["notify.emails=[nobody]"], r"notify\.emails\[0\]"),
        (["notify.emails=[a@b, c@d, e@f, g@h]"], r"notify\.emails: .*at most 3"),
    ],
)
def test_what_could_tell_nobody_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(ROOT / "configs/govuk.yaml", settings)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("notify.webhook=env:HOOK", "notify needs target: vertex"),
        ("parallel=false", "parallel: false is for a quota of Vertex AI"),
    ],
)
def test_what_kubeflow_cannot_do_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(ROOT / "configs/kubeflow.yaml", [setting])


def test_every_mail_is_an_exit_task(tmp_path: Path) -> None:
    """Google documents its e-mail as one only: in the spec ours is what dsl.ExitHandler makes."""
    from google.protobuf import json_format
    from google_cloud_pipeline_components.v1.vertex_notification_email import (
        VertexNotificationEmailOp,
    )
    from kfp import dsl

    @dsl.container_component
    def work():  # kfp reads annotations, and would find texts here
        return dsl.ContainerSpec(image="image", command=["true"])

    @dsl.pipeline(name="handler")
    def exit_handler():
        with dsl.ExitHandler(VertexNotificationEmailOp(recipients=["team@example.org"])):
            work()

    def shape(spec: dict[str, Any], within: dict[str, Any], over: str) -> dict[str, Any]:
        """The mail's task over that group, which must be a graph, without names."""
        tasks = within["dag"]["tasks"]
        assert "dag" in spec["components"][tasks[over]["componentRef"]["name"]]
        (mail,) = (
            task
            for task in tasks.values()
            if "notification-email" in task["componentRef"]["name"]
            and task["dependentTasks"] == [over]
        )
        named = {key: mail[key] for key in ("inputs", "triggerPolicy", "dependentTasks")}
        return dict(json.loads(json.dumps(named).replace(over, "GROUP")))

    exits = json_format.MessageToDict(exit_handler.pipeline_spec)
    expected = shape(exits, exits["root"], "exit-handler-1")
    for name in ("phase1.jsonl", "phase2.jsonl"):
        (tmp_path / name).write_text("{}\n", encoding="utf-8")
    config = tmp_path / "small.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    spec = yaml.safe_load(compiled(load(config)))
    for phase in ("phase-1", "phase-2"):
        assert shape(spec, spec["root"], phase) == expected
    conditions = [each for each in spec["components"].values() if "held" in tasks_in(each)]
    assert len(conditions) == 2
    for condition in conditions:
        assert shape(spec, condition, "held") == expected


def tasks_in(component: dict[str, Any]) -> dict[str, Any]:
    """The tasks of a graph; none of a container."""
    return dict(component.get("dag", {}).get("tasks", {}))
