"""Schedules on Vertex AI: made as declared, once, without a gap or a double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.errors import ConfigError, RemoteError
from pipelines.cli import app
from pipelines.config.load import load
from pipelines.config.schema import Schedule
from pipelines.services.submission import Submission
from pipelines.services.vertex.runs import VertexRuns
from pipelines.services.vertex.schedule import VertexSchedule
from tests.support.scheduling import apply, changing
from tests.support.service import Fault
from tests.vertex.conftest import commit_all, write_config
from tests.vertex.double import Double

CREATE = r"^POST .*/schedules$"
MONDAYS = Schedule(cron="0 3 * * 1")
Declare = Callable[..., VertexSchedule]


@pytest.fixture
def declare(double: Double, tmp_path: Path, submission: Submission) -> Declare:
    """A config's schedule, with another pipeline when `pipeline` is another."""
    vertex = load(write_config(tmp_path, "a-bucket")).pipeline.vertex
    assert vertex
    runs = VertexRuns(vertex)

    def make(schedule: Schedule = MONDAYS, pipeline: str = "one") -> VertexSchedule:
        changed = replace(submission, parameters={"registry": pipeline})
        return VertexSchedule(runs, schedule, changed.name, lambda: changed)

    return make


def test_apply_creates_once(double: Double, declare: Declare) -> None:
    assert apply(declare()) == ["create"]

    (schedule,) = double.schedules.by_name.values()
    assert schedule.cron == "TZ=Europe/London 0 3 * * 1"
    assert schedule.max_concurrent_active_run_count == 1
    assert not schedule.catch_up
    sent = changing(double)
    assert len(sent) == 1
    assert apply(declare()) == []
    assert changing(double) == sent


def test_a_scheduled_run_is_a_valid_job_and_only_one_is_active(
    double: Double, declare: Declare
) -> None:
    apply(declare())
    double.schedules.tick()
    double.schedules.tick()
    (job,) = double.jobs.by_name.values()
    assert job.labels["retrain-config"] == "demo"
    assert job.runtime_config.failure_policy.name == "PIPELINE_FAILURE_POLICY_FAIL_SLOW"
    double.jobs.finish(job)
    double.schedules.tick()
    assert len(double.jobs.by_name) == 2


def test_a_new_time_updates_the_schedule(double: Double, declare: Declare) -> None:
    apply(declare())
    assert apply(declare(Schedule(cron="30 4 * * *", timezone="UTC"))) == ["update"]
    (schedule,) = double.schedules.by_name.values()
    assert (schedule.name[-1], schedule.cron) == ("1", "TZ=UTC 30 4 * * *")


def test_a_new_pipeline_gets_a_new_schedule_and_the_old_one_goes(
    double: Double, declare: Declare
) -> None:
    apply(declare())
    assert apply(declare(pipeline="two")) == ["replace"]
    (schedule,) = double.schedules.by_name.values()
    assert schedule.name.endswith("/2")


def test_a_replacement_waits_until_no_run_is_due(double: Double, declare: Declare) -> None:
    double.schedules.due_in = timedelta(minutes=1)
    apply(declare())
    with pytest.raises(RemoteError, match="a run of the present schedule is due"):
        apply(declare(pipeline="two"))
    assert len(changing(double)) == 1


def test_enabled_pauses_and_resumes_without_catching_up(double: Double, declare: Declare) -> None:
    apply(declare())
    assert apply(declare(Schedule(cron="0 3 * * 1", enabled=False))) == ["pause"]
    double.schedules.tick()
    assert double.jobs.by_name == {}
    assert apply(declare()) == ["resume"]
    (schedule,) = double.schedules.by_name.values()
    assert not schedule.catch_up


def test_delete_leaves_the_runs(double: Double, declare: Declare) -> None:
    apply(declare())
    double.schedules.tick()
    assert declare().delete()
    assert not declare().delete()
    assert len(double.jobs.by_name) == 1
    with pytest.raises(ConfigError, match="has 0 schedules called 'retrain-demo', not one"):
        declare().pause()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "times": 2},
        {"status": 403},
        {"drop": "before"},
        {"drop": "after"},
        {"drop": "after", "times": 1000},
    ],
    ids=["too many", "forbidden", "dropped before", "dropped after", "dropped for long"],
)
@pytest.mark.parametrize("request_", [CREATE, r"^DELETE ", r"^GET .*/schedules/2$"])
def test_under_a_fault_there_is_one_schedule_in_the_end(
    double: Double, declare: Declare, request_: str, fault: dict[str, object]
) -> None:
    apply(declare())
    double.faults = [Fault(request_, **fault)]  # type: ignore[arg-type]
    try:
        apply(declare(pipeline="two"))
    except RemoteError as error:
        assert str(error)
    double.faults = []

    apply(declare(pipeline="two"))

    (schedule,) = double.schedules.by_name.values()
    assert schedule.state.name == "ACTIVE"


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_a_lost_answer_to_pause_or_resume_is_no_error(
    double: Double, declare: Declare, action: str
) -> None:
    apply(declare())
    if action == "resume":
        declare().pause()
    double.faults = [Fault(f":{action}$", drop="after")]
    getattr(declare(), action)()
    (schedule,) = double.schedules.by_name.values()
    assert schedule.state.name == ("PAUSED" if action == "pause" else "ACTIVE")


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["schedule", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def write(config: Path, cron: str) -> None:
    """Declare a schedule in the config and commit it."""
    kept = config.read_text(encoding="utf-8").partition("schedule:")[0]
    config.write_text(f'{kept}schedule: {{cron: "{cron}"}}\n', encoding="utf-8")
    commit_all(config.parent)


def test_the_commands_say_what_they_do(double: Double, config: Path) -> None:
    with pytest.raises(ConfigError, match="add a `schedule` section"):
        retrain("plan", config)
    write(config, "0 3 * * 1")
    assert "done: create retrain-demo" in retrain("apply", config)
    (schedule,) = double.schedules.by_name.values()
    job = schedule.create_pipeline_job_request.pipeline_job
    assert dict(job.runtime_config.parameter_values) == {"when": "due"}
    assert " active " in retrain("list", config)
    assert retrain("run-now", config).startswith("Submitted demo-")
    assert retrain("pause", config).startswith("retrain-demo is paused.")
    assert retrain("plan", config).startswith("resume 1: it is paused, and enabled is true")
    assert double.schedules.by_name
    assert retrain("delete", config) == "retrain-demo is deleted.\n"
    with pytest.raises(ConfigError, match="the schedule is not as declared"):
        retrain("run-now", config)


@pytest.mark.parametrize("cron", ["0 3 * *", "0 0 3 * * 1", "Mondays", "0 3 * * MON"])
def test_a_cron_that_is_none_is_refused_with_its_line(config: Path, cron: str) -> None:
    write(config, cron)
    with pytest.raises(ConfigError, match=r"demo\.yaml:\d+: schedule\.cron: expected five fields"):
        load(config)
