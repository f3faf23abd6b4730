"""What the watcher of a run on Vertex AI is told."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.config.load import load
from pipelines.local.live_view import LiveView, describe, listener
from pipelines.services import watch
from pipelines.services.base import Task
from pipelines.services.submission import Submission
from pipelines.services.vertex.runs import VertexRuns
from pipelines.services.watch import task_record
from tests.vertex.double import Double

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


def test_a_person_sees_the_same_live_table_as_on_this_machine(
    double: Double, submission: Submission, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    vertex = load(config).pipeline.vertex
    assert vertex
    runs = VertexRuns(vertex)
    run, _ = runs.submit(submission)
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=60)
    view = listener(console)
    assert isinstance(view, LiveView)

    assert watch.watch(runs, run.id, view).state == "succeeded"

    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "\x1b[" in shown
    assert run.id in shown
    # The table as it stands at the end: a row per phase, every stage of it done.
    rows = [line for line in shown.splitlines() if line.startswith(("phase-1", "phase-2"))][-2:]
    assert sorted(row[:7] for row in rows) == ["phase-1", "phase-2"]
    assert all("✓" in row for row in rows)
