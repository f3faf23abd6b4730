"""Submitting runs with the real client: once, whatever happens on the way."""

from __future__ import annotations

from typing import Any

import pytest

from components import patience
from components.errors import RemoteError
from pipelines.services.base import Backend
from pipelines.services.submission import Submission
from tests.services.kits import Kit
from tests.support.service import Fault


def test_the_same_submit_again_finds_the_run(runs: Backend, submission: Submission) -> None:
    first, new = runs.submit(submission)
    assert (first.id, first.state, first.labels) == (
        submission.job_id(1),
        "pending",
        submission.labels,
    )
    assert new
    again, new = runs.submit(submission)
    assert (again.id, new) == (first.id, False)


def test_force_makes_another_attempt(runs: Backend, submission: Submission) -> None:
    runs.submit(submission)
    for attempt in (2, 3):
        forced, new = runs.submit(submission, force=True)
        assert (forced.id, new) == (submission.job_id(attempt), True)
    newest, new = runs.submit(submission)
    assert (newest.id, new) == (submission.job_id(3), False)


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        ("create", {"status": 429, "times": 2}),
        ("create", {"status": 503, "times": 2}),
        ("create", {"drop": "before"}),
        ("create", {"drop": "after"}),
        ("look", {"status": 503, "times": 2}),
    ],
    ids=["too many", "unavailable", "dropped before", "dropped after", "look unavailable"],
)
def test_a_passing_fault_is_waited_out(
    kit: Kit, runs: Backend, submission: Submission, request_: str, fault: dict[str, Any]
) -> None:
    kit.double.faults = [Fault(getattr(kit, request_), **fault)]
    run, _ = runs.submit(submission)
    assert kit.double.faults[0].times == 0
    assert kit.runs() == [run.id] == [submission.job_id(1)]


def test_an_answer_that_never_comes_is_not_waited_for(
    kit: Kit, runs: Backend, submission: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "CALL_SECONDS", 0.5)
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 10.0)
    kit.double.faults = [Fault(kit.create, delay=30.0)]
    run, new = runs.submit(submission)
    assert (kit.runs(), new) == ([run.id], False)


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        ("{create}", {"status": 429, "times": 1000}),
        ("{create}", {"status": 503, "times": 1000}),
        ("{create}", {"drop": "before", "times": 1000}),
        ("{create}|{again}", {"drop": "after", "times": 1000}),
        ("{create}", {"status": 403}),
        ("{create}", {"status": 409}),
    ],
    ids=["too many", "unavailable", "dropped before", "dropped after", "forbidden", "conflict"],
)
def test_a_lasting_fault_is_one_message_and_the_next_try_leaves_one_run(
    kit: Kit, runs: Backend, submission: Submission, request_: str, fault: dict[str, Any]
) -> None:
    kit.double.faults = [Fault(request_.format(create=kit.create, again=kit.again), **fault)]
    with pytest.raises(RemoteError, match=kit.refusals.format(run=submission.job_id(1))):
        runs.submit(submission)

    kit.double.faults = []
    run, _ = runs.submit(submission)
    assert kit.runs() == [run.id]


def test_a_lost_answer_to_a_cancel_is_no_error(
    kit: Kit, runs: Backend, submission: Submission
) -> None:
    run, _ = runs.submit(submission)
    kit.clock().busy = True
    kit.double.faults = [Fault(kit.cancel, drop="after")]
    assert runs.cancel(run.id).state == kit.stopping
    assert runs.cancel(run.id).state == kit.stopping
    kit.clock().busy = False
    assert runs.get(run.id).state == "cancelled"
