"""What the watcher of a run on Vertex AI is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.backends import Task
from pipelines.live import describe
from pipelines.watch import task_record

MOMENT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("running", "", "started"),
        ("succeeded", "", "done in 0.0 s"),
        ("skipped", "", "reused from the cache"),
        ("not_triggered", "", "not-run"),
        ("cancelling", "", "started"),
        (
            "failed",
            "The replica exited with a non-zero status of 3.",
            "failed with exit code 3 after 0.0 s: The replica exited with a non-zero status of 3.",
        ),
        (
            "failed",
            "Resources are insufficient.",
            "failed after 0.0 s: Resources are insufficient.",
        ),
    ],
)
def test_every_state_has_its_words(state: str, error: str, said: str) -> None:
    task = Task(
        "phase-1/train", state, started=MOMENT, ended=MOMENT, error=error, job="", outputs={}
    )
    assert describe(task_record(task)) == said
