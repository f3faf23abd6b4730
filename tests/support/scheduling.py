"""What the tests of schedules do alike, whatever service keeps the schedule."""

from __future__ import annotations

from pipelines.services.base import Scheduled
from pipelines.services.schedule import plan
from tests.support.service import Service


def apply(schedule: Scheduled) -> list[str]:
    """Make it so; returns the kinds of the steps that it took."""
    steps = plan(schedule.declared, schedule.existing())
    schedule.apply(steps)
    assert plan(schedule.declared, schedule.existing()) == []
    return [step.kind for step in steps]


def changing(double: Service) -> list[str]:
    """The requests that changed something."""
    return [each for each in double.requests if not each.startswith("GET")]
