"""What a run says of a phase in the end."""

from __future__ import annotations

from pipelines.results.summary import outcome


def test_why_a_task_failed_is_said_even_where_its_log_does_not_know() -> None:
    """As of a task in an old image, which ends well and lacks an output that is new."""
    failed = {"task": "p/upload", "exit_code": 1, "log": "logs/p.upload.log", "why": "no output"}
    said = "p: p/upload FAILED with exit code 1, see logs/p.upload.log"
    phase = {"state": "failed", "failed": failed}
    assert outcome("p", phase) == f"{said}\n  why      no output"
    assert outcome("p", {**phase, "failed": {**failed, "why": ""}}) == said
