"""The difference between a declared schedule and what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.errors import ConfigError
from pipelines.services.schedule import Declared, Existing, plan

DECLARED = Declared("retrain-demo", "TZ=Europe/London 0 3 * * 1", enabled=True, template="new")
PRESENT = Existing(
    "7", DECLARED.cron, paused=False, template="new", replaces="", limits=True, next_run=None
)


def steps(declared: Declared, *existing: Existing) -> list[tuple[str, str]]:
    return [(step.kind, step.target) for step in plan(declared, existing)]


def test_nothing_changes_when_all_is_as_declared() -> None:
    assert steps(DECLARED, PRESENT) == []


def test_a_missing_schedule_is_created_unless_it_is_not_enabled() -> None:
    assert steps(DECLARED) == [("create", "")]
    assert steps(replace(DECLARED, enabled=False)) == []


def test_a_new_time_is_an_update_and_a_new_pipeline_a_replacement() -> None:
    assert steps(DECLARED, replace(PRESENT, cron="TZ=UTC 0 4 * * *")) == [("update", "7")]
    assert steps(DECLARED, replace(PRESENT, limits=False)) == [("update", "7")]
    other = replace(PRESENT, template="old", cron="TZ=UTC 0 4 * * *")
    assert steps(DECLARED, other) == [("replace", "7")]


def test_enabled_pauses_and_resumes() -> None:
    paused = replace(PRESENT, paused=True)
    off = replace(DECLARED, enabled=False)
    assert steps(off, PRESENT) == [("pause", "7")]
    assert steps(off, paused) == []
    assert steps(DECLARED, paused) == [("resume", "7")]
    assert steps(DECLARED, replace(paused, cron="TZ=UTC 0 4 * * *")) == [
        ("update", "7"),
        ("resume", "7"),
    ]


def test_an_interrupted_replacement_is_completed() -> None:
    old = replace(PRESENT, id="6", template="old")
    assert steps(DECLARED, old, replace(PRESENT, replaces="6")) == [("delete", "6")]


def test_two_schedules_of_one_name_are_an_error() -> None:
    with pytest.raises(ConfigError, match="several schedules are called 'retrain-demo': 7, 8"):
        plan(DECLARED, [PRESENT, replace(PRESENT, id="8")])
