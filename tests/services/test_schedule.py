"""Schedules: made as declared, once, without a double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.errors import ConfigError, RemoteError
from pipelines.config.schema import Schedule
from pipelines.services.base import Backend, Scheduled
from pipelines.services.submission import Submission
from tests.services.kits import Kit
from tests.support.scheduling import apply, changing
from tests.support.service import Fault

MONDAYS = Schedule(cron="0 3 * * 1", timezone="UTC")
Declare = Callable[..., Scheduled]


@pytest.fixture
def declare(kit: Kit, runs: Backend, submission: Submission) -> Declare:
    """A config's schedule, with another pipeline when `pipeline` is another."""

    def make(schedule: Schedule = MONDAYS, pipeline: str = "one") -> Scheduled:
        changed = replace(submission, parameters={"registry": pipeline})
        return kit.schedule(runs, schedule, lambda: changed)

    return make


def test_apply_creates_once(kit: Kit, declare: Declare) -> None:
    assert apply(declare()) == ["create"]
    assert kit.schedules() == [(declare().declared.cron, True)]
    sent = changing(kit.double)
    assert apply(declare()) == []
    assert changing(kit.double) == sent


def test_only_one_of_its_runs_is_active(kit: Kit, declare: Declare, runs: Backend) -> None:
    apply(declare())
    kit.tick()
    kit.tick()
    (run,) = runs.history("demo")
    while run.state != "succeeded":
        run = runs.get(run.id)
    kit.tick()
    assert len(kit.runs()) == 2


def test_a_new_time_updates_it(kit: Kit, declare: Declare) -> None:
    apply(declare())
    later = declare(Schedule(cron="30 4 * * *", timezone="UTC"))
    assert apply(later) == ["update"]
    assert kit.schedules() == [(later.declared.cron, True)]


def test_a_new_pipeline_gets_a_new_one_and_the_old_one_goes(kit: Kit, declare: Declare) -> None:
    apply(declare())
    (old,) = declare().existing()
    assert apply(declare(pipeline="two")) == ["replace"]
    (new,) = declare().existing()
    assert (new.id != old.id, new.replaces, new.paused) == (True, old.id, False)


def test_enabled_pauses_and_resumes(kit: Kit, declare: Declare) -> None:
    apply(declare())
    assert apply(declare(MONDAYS.model_copy(update={"enabled": False}))) == ["pause"]
    kit.tick()
    assert kit.runs() == []
    assert apply(declare()) == ["resume"]


def test_delete_leaves_the_runs(kit: Kit, declare: Declare) -> None:
    apply(declare())
    kit.tick()
    assert declare().delete()
    assert not declare().delete()
    assert len(kit.runs()) == 1
    with pytest.raises(ConfigError, match=f"{kit.where} 'retrain-demo', not one"):
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
@pytest.mark.parametrize("step", [0, 1, 2])
def test_under_a_fault_there_is_one_that_is_active_in_the_end(
    kit: Kit, declare: Declare, step: int, fault: dict[str, Any]
) -> None:
    apply(declare())
    kit.double.faults = [Fault(kit.replacing[step], **fault)]
    try:
        apply(declare(pipeline="two"))
    except RemoteError as error:
        assert str(error)
    kit.double.faults = []

    apply(declare(pipeline="two"))

    assert [active for _, active in kit.schedules()] == [True]


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_a_lost_answer_to_pause_or_resume_is_no_error(
    kit: Kit, declare: Declare, action: str
) -> None:
    apply(declare())
    if action == "resume":
        declare().pause()
    verb = {"pause": "(pause|disable)", "resume": "(resume|enable)"}[action]
    kit.double.faults = [Fault(f":{verb}$", drop="after")]
    getattr(declare(), action)()
    assert kit.double.faults[0].times == 0
    assert [active for _, active in kit.schedules()] == [action == "resume"]
