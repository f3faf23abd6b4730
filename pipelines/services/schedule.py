"""What must change so that the schedule that is there becomes the one that is declared.

Nothing here talks to a service: `plan` turns the two into steps, and a back end takes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from components.errors import ConfigError


@dataclass(frozen=True)
class Declared:
    """The schedule of a config.

    Attributes:
        cron: with its time zone, as the service writes it.
        template: digest of everything that a run of it would do.
    """

    name: str
    cron: str
    enabled: bool
    template: str


@dataclass(frozen=True)
class Existing:
    """A schedule of that name which the service has.

    Attributes:
        id: how the service calls it.
        replaces: id of the schedule that it was made to replace; '' for none.
        limits: whether at most one run is active at a time, as we declare it.
        next_run: when it is due; None while it is paused.
    """

    id: str
    cron: str
    paused: bool
    template: str
    replaces: str
    limits: bool
    next_run: datetime | None


@dataclass(frozen=True)
class Step:
    """One change.

    Attributes:
        target: id of the schedule that it changes or removes; '' for none.
        why: for people.
    """

    kind: Literal["create", "replace", "update", "pause", "resume", "delete"]
    target: str
    why: str


def plan(declared: Declared, existing: Sequence[Existing]) -> list[Step]:
    """The steps from what is there to what is declared; none when they agree.

    Raises:
        ConfigError: several schedules have the name, and it is unknown which is ours.
    """
    finished, present = handed_over(declared.name, existing)
    steps = [Step("delete", each, "its replacement is there already") for each in finished]
    if present is not None:
        return [*steps, *changes(declared, present)]
    if declared.enabled:
        steps.append(Step("create", "", f"there is none; {declared.cron}"))
    return steps


def handed_over(name: str, existing: Sequence[Existing]) -> tuple[list[str], Existing | None]:
    """The schedules that an interrupted replacement left behind, and the one that counts."""
    replaced = {each.replaces for each in existing}
    left = [each for each in existing if each.id not in replaced]
    if len(left) > 1 or (existing and not left):
        names = ", ".join(each.id for each in existing)
        raise ConfigError(
            f"several schedules are called {name!r}: {names}. Delete all but one in the console; "
            "nothing was changed."
        )
    old = [each.id for each in existing if each.id in replaced]
    return old, left[0] if left else None


def changes(declared: Declared, present: Existing) -> Iterator[Step]:
    """The steps from one schedule to the declared one."""
    if not declared.enabled:
        if not present.paused:
            yield Step("pause", present.id, "enabled is false")
        return
    if present.template != declared.template:
        # A new one: runs in flight and the history of the old keep what they ran.
        yield Step("replace", present.id, "the pipeline or its parameters have changed")
        return
    if present.cron != declared.cron:
        yield Step("update", present.id, f"{present.cron} becomes {declared.cron}")
    elif not present.limits:
        yield Step("update", present.id, "more than one run could be active at a time")
    if present.paused:
        yield Step("resume", present.id, "it is paused, and enabled is true")
