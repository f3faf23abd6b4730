"""The logs of a run's tasks: which to show, and how they grow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import ConfigError
from pipelines.local.growing_log import GrowingLog
from pipelines.local.runs import RunRecord, TaskRecord, find_task, read_record

_POLL_SECONDS = 0.3


def tasks_to_show(record: RunRecord, wanted: str | None, *, failed: bool) -> list[TaskRecord]:
    """The tasks whose logs a person means, in the order in which they began.

    Args:
        wanted: a task, as `find_task` takes it; None: those that failed, or all if none did.
        failed: those that failed, even if there is none.

    Raises:
        ConfigError: there is no such task, or none has failed.
    """
    if wanted:
        return [find_task(record, wanted)]
    begun = sorted(
        (task for task in record.tasks.values() if task.log), key=lambda task: task.started or "~"
    )
    broken = [task for task in begun if task.state == "failed"]
    if failed and not broken:
        raise ConfigError(f"run {record.id}: no task has failed ({record.state}).")
    return broken or begun


def follow(run: Path, wanted: str | None, lines: int) -> Iterator[tuple[str, str]]:
    """Yield task and line as the logs of a run grow, until it ends.

    Args:
        wanted: one task; None for every task that runs.
        lines: how many of those that are there already.
    """
    logs: dict[str, GrowingLog] = {}
    while True:
        record = read_record(run)
        over = record.state != "running"
        for task in [find_task(record, wanted)] if wanted else [*record.tasks.values()]:
            path = run.parent / task.log if task.log else None
            if path is None or not path.exists():
                continue
            if task.task not in logs:
                ended = not wanted and task.state != "running" and not over
                logs[task.task] = GrowingLog(path, 0 if ended else lines)
            for line in logs[task.task].more(over):
                yield task.task, line
        if over:
            return
        time.sleep(_POLL_SECONDS)
