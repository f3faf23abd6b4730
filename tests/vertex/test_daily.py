"""The tests that `make test-vertex` runs for real, against the double."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import watch
from tests.vertex.conftest import commit_all
from tests.vertex.daily import (
    test_a_run_from_the_plan_to_its_end,
    test_a_schedule_is_made_once_paused_resumed_and_deleted,
    test_doctor_finds_nothing_missing,
    test_versions_are_kept_promoted_rolled_back_and_pulled,
)
from tests.vertex.double import Double

__all__ = [
    "test_a_run_from_the_plan_to_its_end",
    "test_a_schedule_is_made_once_paused_resumed_and_deleted",
    "test_doctor_finds_nothing_missing",
    "test_versions_are_kept_promoted_rolled_back_and_pulled",
]


@pytest.fixture
def place(double: Double, config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config of the double, with a schedule; nobody waits."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    with config.open("a", encoding="utf-8") as file:
        file.write('schedule: {cron: "0 3 * * 1"}\n')
    commit_all(config.parent)
    return config
