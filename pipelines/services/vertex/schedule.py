"""Schedules on Vertex AI."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from components.errors import RemoteError
from components.google_cloud import patient, reaching, retry
from components.patience import CALL_SECONDS, PATIENCE_SECONDS
from pipelines.services.base import REPLACES_LABEL, TEMPLATE_LABEL, Scheduled
from pipelines.services.schedule import Existing
from pipelines.services.vertex.runs import VertexRuns

# A replacement takes seconds. A run that is due sooner than this could start twice or not at all.
QUIET = timedelta(minutes=3)


class VertexSchedule(Scheduled):
    """The schedule of one config on Vertex AI."""

    runs: VertexRuns

    @cached_property
    def service(self) -> Any:
        """The client's methods for schedules."""
        return self.runs.place.client(v1.ScheduleServiceClient)

    @property
    def cron(self) -> str:
        return f"TZ={self.schedule.timezone} {self.schedule.cron}"

    @property
    def settings(self) -> list[str]:
        return [self.runs.settings.pipeline_root, self.runs.settings.service_account]

    def existing(self) -> list[Existing]:
        request = {"parent": self.where, "filter": f'display_name="{self.name}"'}
        with reaching("list the schedules"):
            schedules = self.service.list_schedules(request=request, **patient())
            return [existing_of(schedule) for schedule in schedules]

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
                parent=self.where, schedule=schedule, timeout=CALL_SECONDS
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
        with reaching(f"read the schedule {target}"):
            return existing_of(self.service.get_schedule(name=self._name(target), **patient()))

    def _message(self, replaces: str) -> Any:
        """The declared schedule as Vertex AI takes it."""
        return v1.Schedule(
            display_name=self.name,
            cron=self.declared.cron,
            max_concurrent_run_count=1,
            max_concurrent_active_run_count=1,
            create_pipeline_job_request={
                "parent": self.where,
                "pipeline_job": self.runs.message(self.submission, self._labels(replaces)),
            },
        )

    def _name(self, target: str) -> str:
        return f"{self.where}/schedules/{target}"


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
