"""Schedules on Vertex AI."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from components.errors import ConfigError, RemoteError
from components.google_cloud import patient, reaching, retry
from components.patience import CALL_SECONDS, PATIENCE_SECONDS
from pipelines.config.load import Loaded
from pipelines.config.schema import Schedule
from pipelines.services.schedule import Declared, Existing, Step
from pipelines.services.submission import (
    COMMIT_LABEL,
    CONFIG_LABEL,
    LABEL_DIGITS,
    Submission,
    scheduled,
)
from pipelines.services.vertex.runs import VertexRuns, runs_of

TEMPLATE_LABEL = "retrain-template"
REPLACES_LABEL = "retrain-replaces"
# A replacement takes seconds. A run that is due sooner than this could start twice or not at all.
QUIET = timedelta(minutes=3)


class VertexSchedule:
    """The schedule of one config.

    Args:
        runs: where its runs are.
        name: the config's name.
        prepare: compiles what each run does; asked only when that matters.
    """

    def __init__(
        self, runs: VertexRuns, schedule: Schedule, name: str, prepare: Callable[[], Submission]
    ) -> None:
        self.runs = runs
        self.schedule = schedule
        self.name = f"retrain-{name}"
        self.prepare = prepare
        self.place = runs.place
        self.service = self.place.client(v1.ScheduleServiceClient)

    @cached_property
    def submission(self) -> Submission:
        """What each run does."""
        return self.prepare()

    @property
    def where(self) -> str:
        """Which project and region."""
        return self.place.name

    @property
    def declared(self) -> Declared:
        """What the config asks for."""
        return Declared(
            name=self.name,
            cron=f"TZ={self.schedule.timezone} {self.schedule.cron}",
            enabled=self.schedule.enabled,
            template=self._template(),
        )

    def existing(self) -> list[Existing]:
        """The schedules of this config's name that Vertex AI has."""
        request = {
            "parent": self.place.name,
            "filter": f'display_name="{self.name}"',
        }
        with reaching("list the schedules"):
            schedules = self.service.list_schedules(request=request, **patient())
            return [existing_of(schedule) for schedule in schedules]

    def apply(self, steps: Sequence[Step]) -> None:
        """Take the steps of a plan, in their order."""
        for step in steps:
            getattr(self, f"_{step.kind}")(step.target)

    def pause(self) -> None:
        """Stop starting runs; those that go on are left alone."""
        self._pause(self._only().id)

    def resume(self) -> None:
        """Start runs again from the next time that one is due."""
        self._resume(self._only().id)

    def delete(self) -> bool:
        """Remove the schedule; its runs stay. Returns whether there was one."""
        existing = self.existing()
        for each in existing:
            self._delete(each.id)
        return bool(existing)

    def _only(self) -> Existing:
        existing = self.existing()
        if len(existing) != 1:
            raise ConfigError(
                f"{self.place.name} has {len(existing)} schedules called {self.name!r}, not "
                "one: `retrain schedule plan` shows what to do."
            )
        return existing[0]

    def _template(self) -> str:
        settings = self.runs.settings
        parts = [self.submission.template, settings.pipeline_root, settings.service_account]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:LABEL_DIGITS]

    def _create(self, replaces: str) -> str:
        """Make the declared schedule; returns its id."""
        schedule = self._message(replaces)

        # A creation whose answer was lost has made a schedule all the same: look before each try.
        @retry()
        def create_once() -> str:
            for existing in self.existing():
                if existing.template == self.declared.template and existing.id != replaces:
                    return existing.id
            created = self.service.create_schedule(
                parent=self.place.name, schedule=schedule, timeout=CALL_SECONDS
            )
            return existing_of(created).id

        with reaching(f"create the schedule {self.name}"):
            return create_once()

    def _replace(self, old: str) -> None:
        """Make the new schedule, look whether it is in order, and remove the old."""
        due = self._get(old).next_run
        if due and due < datetime.now(UTC) + QUIET:
            raise RemoteError(
                f"a run of the present schedule is due at {due:%H:%M} UTC: replacing the schedule "
                "now could start it twice or not at all. Run the command again in a few minutes."
            )
        new = self._get(self._create(old))
        if new.paused or (new.cron, new.template) != (self.declared.cron, self.declared.template):
            raise RemoteError(f"the new schedule {new.id} is not what was asked for; {old} stays.")
        self._delete(old)

    def _update(self, target: str) -> None:
        changed = self._message("")
        changed.name = self._name(target)
        paths = ["cron", "max_concurrent_run_count", "max_concurrent_active_run_count"]
        with reaching(f"update the schedule {target}"):
            self.service.update_schedule(
                schedule=changed, update_mask={"paths": paths}, **patient()
            )

    def _pause(self, target: str) -> None:
        def pause() -> None:
            self.service.pause_schedule(name=self._name(target), **patient())

        self._towards(f"pause the schedule {target}", target, pause, paused=True)

    def _resume(self, target: str) -> None:
        def resume() -> None:
            # What was missed during the pause is not made up for.
            request = {"name": self._name(target), "catch_up": False}
            self.service.resume_schedule(request=request, **patient())

        self._towards(f"resume the schedule {target}", target, resume, paused=False)

    def _towards(self, what: str, target: str, call: Callable[[], None], *, paused: bool) -> None:
        """Call; a refusal is no matter where the state is right, as after a lost answer."""
        with reaching(what):
            try:
                call()
            except exceptions.ClientError:
                if self._get(target).paused != paused:
                    raise

    def _delete(self, target: str) -> None:
        with reaching(f"delete the schedule {target}"):
            try:
                deletion = self.service.delete_schedule(name=self._name(target), **patient())
                deletion.result(timeout=PATIENCE_SECONDS)
            except exceptions.NotFound:
                return  # Gone already: the answer to an earlier try was lost.

    def _get(self, target: str) -> Existing:
        with reaching(f"look at the schedule {target}"):
            return existing_of(self.service.get_schedule(name=self._name(target), **patient()))

    def _message(self, replaces: str) -> Any:
        """The declared schedule as Vertex AI takes it."""
        submission = self.submission
        labels = {
            CONFIG_LABEL: submission.name,
            COMMIT_LABEL: submission.commit,
            TEMPLATE_LABEL: self.declared.template,
            REPLACES_LABEL: replaces,
        }
        labels = {label: value for label, value in labels.items() if value}
        return v1.Schedule(
            display_name=self.name,
            cron=self.declared.cron,
            max_concurrent_run_count=1,
            max_concurrent_active_run_count=1,
            create_pipeline_job_request={
                "parent": self.place.name,
                "pipeline_job": self.runs.message(submission, labels),
            },
        )

    def _name(self, target: str) -> str:
        return f"{self.place.name}/schedules/{target}"


def schedule_of(loaded: Loaded) -> VertexSchedule:
    """The schedule that a config declares.

    Raises:
        ConfigError: it declares none.
    """
    if loaded.pipeline.schedule is None:
        raise ConfigError(
            f"{loaded.path}: add a `schedule` section, e.g. schedule: {{cron: '0 3 * * 1'}}"
        )
    return VertexSchedule(
        runs_of(loaded),
        loaded.pipeline.schedule,
        loaded.pipeline.name,
        lambda: scheduled(loaded),
    )


def existing_of(schedule: Any) -> Existing:
    """A schedule as the API gives it."""
    labels = schedule.create_pipeline_job_request.pipeline_job.labels
    paused = schedule.state != v1.Schedule.State.ACTIVE
    return Existing(
        id=schedule.name.rpartition("/")[2],
        cron=schedule.cron,
        paused=paused,
        template=labels.get(TEMPLATE_LABEL, ""),
        replaces=labels.get(REPLACES_LABEL, ""),
        limits=schedule.max_concurrent_active_run_count == 1,
        next_run=None if paused else schedule.next_run_time,
    )
