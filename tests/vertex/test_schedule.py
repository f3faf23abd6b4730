"""What is particular to schedules on Vertex AI; tests/services has what holds everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from components.errors import ConfigError, RemoteError
from pipelines.config.load import load
from pipelines.config.schema import Schedule
from pipelines.services.submission import Submission
from pipelines.services.vertex.runs import VertexRuns
from pipelines.services.vertex.schedule import VertexSchedule
from tests.support.scheduling import apply, changing
from tests.vertex.conftest import commit_all, write_config
from tests.vertex.double import Double

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


def test_a_schedule_is_as_the_reference_asks(double: Double, declare: Declare) -> None:
    assert apply(declare()) == ["create"]

    (schedule,) = double.schedules.by_name.values()
    assert schedule.cron == "TZ=Europe/London 0 3 * * 1"
    assert schedule.max_concurrent_active_run_count == 1
    assert not schedule.catch_up
    assert len(changing(double)) == 1


def test_a_scheduled_run_is_a_valid_job(double: Double, declare: Declare) -> None:
    apply(declare())
    double.schedules.tick()
    (job,) = double.jobs.by_name.values()
    assert job.labels["retrain-config"] == "demo"
    assert job.runtime_config.failure_policy.name == "PIPELINE_FAILURE_POLICY_FAIL_SLOW"


def test_a_new_time_changes_the_schedule_that_there_is(double: Double, declare: Declare) -> None:
    apply(declare())
    assert apply(declare(Schedule(cron="30 4 * * *", timezone="UTC"))) == ["update"]
    (schedule,) = double.schedules.by_name.values()
    assert (schedule.name[-1], schedule.cron) == ("1", "TZ=UTC 30 4 * * *")


def test_a_replacement_waits_until_no_run_is_due(double: Double, declare: Declare) -> None:
    double.schedules.due_in = timedelta(minutes=1)
    apply(declare())
    with pytest.raises(RemoteError, match="a run of the present schedule is due"):
        apply(declare(pipeline="two"))
    assert len(changing(double)) == 1


def test_what_a_pause_missed_is_not_made_up_for(double: Double, declare: Declare) -> None:
    apply(declare())
    assert apply(declare(Schedule(cron="0 3 * * 1", enabled=False))) == ["pause"]
    assert apply(declare()) == ["resume"]
    (schedule,) = double.schedules.by_name.values()
    assert not schedule.catch_up


def write(config: Path, cron: str) -> None:
    """Declare a schedule in the config and commit it."""
    kept = config.read_text(encoding="utf-8").partition("schedule:")[0]
    config.write_text(f'{kept}schedule: {{cron: "{cron}"}}\n', encoding="utf-8")
    commit_all(config.parent)


@pytest.mark.parametrize("cron", ["0 3 * *", "0 0 3 * * 1", "Mondays", "0 3 * * MON"])
def test_a_cron_that_is_none_is_refused_with_its_line(config: Path, cron: str) -> None:
    write(config, cron)
    said = r"demo\.yaml:\d+: schedule\.cron: .*(five fields|numbers)"
    with pytest.raises(ConfigError, match=said):
        load(config)
