"""What is particular to recurring runs; tests/services has what holds everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pipelines.config.schema import Schedule
from pipelines.services.kubeflow.runs import KubeflowRuns
from pipelines.services.kubeflow.schedule import KubeflowSchedule
from pipelines.services.submission import Submission
from tests.kubeflow.double import Double
from tests.support.scheduling import apply, changing

MONDAYS = Schedule(cron="0 3 * * 1", timezone="UTC")
Declare = Callable[..., KubeflowSchedule]


@pytest.fixture
def declare(runs: KubeflowRuns, submission: Submission) -> Declare:
    """A config's schedule, with another pipeline when `pipeline` is another."""

    def make(schedule: Schedule = MONDAYS, pipeline: str = "one") -> KubeflowSchedule:
        changed = replace(submission, parameters={"registry": pipeline})
        return KubeflowSchedule(runs, schedule, changed.name, lambda: changed)

    return make


def test_a_recurring_run_is_as_the_reference_asks(double: Double, declare: Declare) -> None:
    assert apply(declare()) == ["create"]

    (made,) = double.recurring.by_id.values()
    assert made["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * 1"
    assert (made["max_concurrency"], made["no_catchup"]) == ("1", True)


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
