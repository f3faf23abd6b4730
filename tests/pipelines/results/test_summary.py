"""What the terminal says of a phase in the end."""

from __future__ import annotations

from pipelines.results.console import outcome


def test_why_a_task_failed_is_said_even_where_its_log_does_not_know() -> None:
    """As of a task in an old image, which ends well and lacks an output that is new."""
    failed = {"task": "p/upload", "exit_code": 1, "log": "logs/p.upload.log", "message": "none"}
    phase = {"message": "failed in upload, production unchanged: version 2", "reasons": []}
    assert outcome("p", {**phase, "failed": failed}) == (
        "p: failed in upload, production unchanged: version 2\n"
        "  because  none, exit code 1\n"
        "  log      logs/p.upload.log"
    )
    said = outcome("p", {**phase, "failed": {**failed, "message": ""}})
    assert "because  its log says why, exit code 1" in said
