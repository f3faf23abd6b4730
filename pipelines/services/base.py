"""What every service that runs pipelines can do.

Each has a folder beside this module. This machine is `pipelines/local/run.py`: it runs a spec while
one waits, so it has runs to show but none to submit.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from components.errors import ConfigError
from pipelines.config.schema import Schedule
from pipelines.services.schedule import Declared, Existing, Step
from pipelines.services.submission import COMMIT_LABEL, CONFIG_LABEL, LABEL_DIGITS, Submission

TEMPLATE_LABEL = "retrain-template"
REPLACES_LABEL = "retrain-replaces"
OVER = ("succeeded", "failed", "cancelled", "paused")


@dataclass(frozen=True)
class Task:
    """One task of a run.

    Attributes:
        path: phase and stage, "phase-1/train".
        state: as Vertex AI calls it, in small letters.
        error: why it failed; '' otherwise, or where the service does not say.
        job: what its log is filed under; '' before it starts, or where it has no log of its own.
        outputs: artifact name -> its address; empty where the service does not say.
        parameters: name -> value of what it returned; empty where the service does not say.
    """

    path: str
    state: str
    started: datetime | None
    ended: datetime | None
    error: str = ""
    job: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A run of a pipeline.

    Attributes:
        state: pending, running, succeeded, failed, cancelling, cancelled, …
        url: its page in the console.
    """

    id: str
    state: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    labels: dict[str, str]
    error: str
    url: str
    tasks: tuple[Task, ...]


class Backend(Protocol):
    """A service that runs pipelines.

    Everything that reaches it raises RemoteError when it refuses or stays away.
    """

    @property
    def where(self) -> str:
        """Which project and region, or which cluster."""
        ...

    def check(self) -> None:
        """Refuse what a run could not work with, before anything is sent.

        Raises:
            ConfigError: the config names what is not there.
        """
        ...

    def submit(self, submission: Submission, *, force: bool = False) -> tuple[Run, bool]:
        """Start a run, or find the one that does this very work already.

        Args:
            force: start another attempt although there is one.

        Returns:
            the run, and whether it is new.
        """
        ...

    def attempts(self, submission: Submission) -> list[Run]:
        """The runs that did, or do, this very work; newest first."""
        ...

    def history(self, config: str) -> list[Run]:
        """The runs of the config of that name, newest first."""
        ...

    def get(self, run: str) -> Run:
        """One run with its tasks.

        Raises:
            ConfigError: there is no such run.
        """
        ...

    def cancel(self, run: str) -> Run:
        """Stop a run; one that is over is left alone."""
        ...

    def log_command(self, task: Task) -> str:
        """The command that shows a task's log; '' where there is none of its own."""
        ...


class Scheduled(ABC):
    """The schedule of one config on a service.

    Args:
        runs: where its runs are.
        name: the config's name.
        prepare: compiles what each run does; asked only when that matters.

    A subclass has the methods `_create`, `_replace`, `_update`, `_pause`, `_resume` and `_delete`,
    one for each kind of step; each takes the id of the schedule that it is about.
    """

    service_word = "schedules"  # what the service calls them

    def __init__(
        self, runs: Backend, schedule: Schedule, name: str, prepare: Callable[[], Submission]
    ) -> None:
        self.runs = runs
        self.schedule = schedule
        self.name = f"retrain-{name}"
        self.prepare = prepare

    @property
    def where(self) -> str:
        """Which project and region, or which cluster."""
        return self.runs.where

    @cached_property
    def submission(self) -> Submission:
        """What each run does."""
        return self.prepare()

    @property
    @abstractmethod
    def cron(self) -> str:
        """When it is due, as the service writes it."""

    @property
    @abstractmethod
    def settings(self) -> Sequence[str]:
        """What of the service's settings each run depends on."""

    @property
    def declared(self) -> Declared:
        """What the config asks for."""
        parts = "\n".join([self.submission.template, *self.settings])
        template = hashlib.sha256(parts.encode()).hexdigest()[:LABEL_DIGITS]
        return Declared(self.name, self.cron, self.schedule.enabled, template)

    @abstractmethod
    def existing(self) -> list[Existing]:
        """The schedules of this config's name that the service has."""

    def apply(self, steps: Sequence[Step]) -> None:
        """Take the steps of a plan, in their order."""
        for step in steps:
            getattr(self, f"_{step.kind}")(step.target)

    def pause(self) -> None:
        """Stop starting runs; those that go on are left alone."""
        self._pause(self._only())

    def resume(self) -> None:
        """Start runs again from the next time that one is due."""
        self._resume(self._only())

    def delete(self) -> bool:
        """Remove the schedule; its runs stay. Returns whether there was one."""
        existing = self.existing()
        for each in existing:
            self._delete(each.id)
        return bool(existing)

    @abstractmethod
    def _pause(self, target: str) -> None: ...

    @abstractmethod
    def _resume(self, target: str) -> None: ...

    @abstractmethod
    def _delete(self, target: str) -> None: ...

    def _only(self) -> str:
        existing = self.existing()
        if len(existing) != 1:
            raise ConfigError(
                f"{self.where} has {len(existing)} {self.service_word} called {self.name!r}, not "
                "one: `retrain schedule plan` shows what to do."
            )
        return existing[0].id

    def _labels(self, replaces: str) -> dict[str, str]:
        """What says what a schedule was made from."""
        labels = {
            CONFIG_LABEL: self.submission.name,
            COMMIT_LABEL: self.submission.commit,
            TEMPLATE_LABEL: self.declared.template,
            REPLACES_LABEL: replaces,
        }
        return {label: value for label, value in labels.items() if value}


def why(run: Run) -> str:
    """The errors of a run's tasks, or its own, as a sentence each."""
    errors = [f"{task.path}: {task.error}" for task in run.tasks if task.error]
    return " ".join([*(errors or [run.error]), ""]).lstrip()
