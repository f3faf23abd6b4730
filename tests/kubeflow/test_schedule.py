"""Recurring runs: made as declared, once, without a double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from components.errors import ConfigError, RemoteError
from pipelines.config.schema import Schedule
from pipelines.services.kubeflow.runs import KubeflowRuns
from pipelines.services.kubeflow.schedule import KubeflowSchedule
from pipelines.services.submission import Submission
from tests.kubeflow.double import Double
from tests.support.scheduling import apply, changing
from tests.support.service import Fault

MONDAYS = Schedule(cron="0 3 * * 1", timezone="UTC")
Declare = Callable[..., KubeflowSchedule]


@pytest.fixture
def declare(runs: KubeflowRuns, submission: Submission) -> Declare:
    """A config's schedule, with another pipeline when `pipeline` is another."""

    def make(schedule: Schedule = MONDAYS, pipeline: str = "one") -> KubeflowSchedule:
        changed = replace(submission, parameters={"registry": pipeline})
        return KubeflowSchedule(runs, schedule, changed.name, lambda: changed)

    return make


def test_apply_creates_once(double: Double, declare: Declare) -> None:
    assert apply(declare()) == ["create"]

    (made,) = double.recurring.by_id.values()
    assert made["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * 1"
    assert (made["max_concurrency"], made["no_catchup"]) == ("1", True)
    sent = changing(double)
    assert apply(declare()) == []
    assert changing(double) == sent


def test_only_one_of_its_runs_is_active(
    double: Double, declare: Declare, runs: KubeflowRuns
) -> None:
    apply(declare())
    double.recurring.tick()
    double.recurring.tick()
    (run,) = runs.history("demo")
    while run.state != "succeeded":
        run = runs.get(run.id)
    double.recurring.tick()
    assert len(double.runs.by_id) == 2


def test_a_new_time_makes_a_new_one_since_none_can_be_changed(
    double: Double, declare: Declare
) -> None:
    apply(declare())
    declare().pause()
    later = Schedule(cron="30 4 * * *", timezone="UTC")
    assert apply(declare(later)) == ["update", "resume"]
    (made,) = double.recurring.by_id.values()
    assert made["recurring_run_id"] == "2"
    assert made["trigger"]["cron_schedule"]["cron"] == "0 30 4 * * *"
    assert made["status"] == "ENABLED"


def test_the_old_goes_before_the_new_begins(double: Double, declare: Declare) -> None:
    apply(declare())
    double.requests.clear()
    assert apply(declare(pipeline="two")) == ["replace"]
    acts = [each.partition("/recurringruns")[2] for each in changing(double)]
    assert acts == ["", "/1", "/2:enable"]


def test_enabled_pauses_and_resumes(double: Double, declare: Declare) -> None:
    apply(declare())
    assert apply(declare(MONDAYS.model_copy(update={"enabled": False}))) == ["pause"]
    double.recurring.tick()
    assert double.runs.by_id == {}
    assert apply(declare()) == ["resume"]


def test_delete_leaves_the_runs(double: Double, declare: Declare) -> None:
    apply(declare())
    double.recurring.tick()
    assert declare().delete()
    assert not declare().delete()
    assert len(double.runs.by_id) == 1
    with pytest.raises(ConfigError, match="has 0 recurring runs called 'retrain-demo', not one"):
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
@pytest.mark.parametrize("request_", [r"^POST .*/recurringruns$", r"^DELETE ", ":enable$"])
def test_under_a_fault_there_is_one_that_is_active_in_the_end(
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

    (made,) = double.recurring.by_id.values()
    assert made["status"] == "ENABLED"
