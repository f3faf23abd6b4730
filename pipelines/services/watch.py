"""Watch a run on a service in the same view as a run on this machine."""

from __future__ import annotations

import re
import time
from datetime import datetime

from components.errors import RemoteError
from pipelines.local.runner.listeners import Listener
from pipelines.local.runs import RunRecord, RunState, State, TaskRecord
from pipelines.services.base import OVER, Backend, Run, Task, why

POLL_SECONDS = 20.0
TICK_SECONDS = 0.25
# Vertex AI skips a task when its cache has the outputs.
STATES: dict[str, State] = {
    "running": "running",
    "cancel_pending": "running",
    "cancelling": "running",
    "succeeded": "succeeded",
    "skipped": "reused",
    "failed": "failed",
    "cancelled": "cancelled",
    "not_triggered": "not-run",
}
RUN_STATES: dict[str, RunState] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "paused": "interrupted",
}


def watch(backend: Backend, run: str, view: Listener) -> Run:
    """Wait for the end of a run and show what happens.

    Raises:
        RemoteError: the run did not succeed.
    """
    now = backend.get(run)
    record = record_of(now)
    view.started(record)
    try:
        update(record, now, view)
        while now.state not in OVER:
            wait(view)
            now = backend.get(run)
            update(record, now, view)
        record.state = RUN_STATES[now.state]
        record.ended = iso(now.ended)
    finally:
        view.ended()
    if now.state != "succeeded":
        raise RemoteError(f"{run} {now.state}. {why(now)}{now.url}")
    return now


def wait(view: Listener) -> None:
    """Keep the view alive until it is time to ask again."""
    until = time.monotonic() + POLL_SECONDS
    while time.monotonic() < until:
        view.tick({})
        time.sleep(min(TICK_SECONDS, POLL_SECONDS))


def update(record: RunRecord, run: Run, view: Listener) -> None:
    """Bring a record up to date, and tell the view of every task in another state."""
    for task in run.tasks:
        before = record.tasks.get(task.path, TaskRecord(task.path)).state
        record.tasks[task.path] = fresh = task_record(task)
        if fresh.state != before:
            view.changed(fresh)


def record_of(run: Run) -> RunRecord:
    """A run as the view takes it, its tasks to come; what only this machine has is left empty."""
    return RunRecord(
        id=run.id,
        name=run.id,
        config="",
        spec_digest="",
        parameters={},
        started=run.created.isoformat(),
        pid=0,
        workers=0,
        threads=0,
        tasks={},
    )


def task_record(task: Task) -> TaskRecord:
    """A task as the view takes it."""
    status = re.search(r"status(?: of|:) (\d+)", task.error)
    return TaskRecord(
        task=task.path,
        state=STATES.get(task.state, "pending"),
        started=iso(task.started),
        ended=iso(task.ended),
        exit_code=int(status[1]) if status else None,
        reused_from="the cache" if task.state == "skipped" else None,
        note=task.error,
        parameters=task.parameters,
    )


def iso(moment: datetime | None) -> str | None:
    """A time as records hold it."""
    return moment.isoformat() if moment else None
