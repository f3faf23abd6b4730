"""Schedules: checked as the reference says, and made to start runs by `tick`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import empty_pb2

from tests.support.service import ApiError
from tests.vertex.jobs import OVER, Jobs, check_job
from tests.vertex.operations import Operations
from tests.vertex.rules import (
    check_cron,
    check_display_name,
    matches,
    parsed,
    query_of,
    require,
)

State = v1.Schedule.State
UPDATABLE = {
    "cron",
    "display_name",
    "max_concurrent_run_count",
    "max_concurrent_active_run_count",
}


class Schedules:
    """The schedules of one location."""

    def __init__(self, jobs: Jobs, operations: Operations) -> None:
        self.jobs = jobs
        self.operations = operations
        self.by_name: dict[str, Any] = {}
        self.made = 0
        self.due_in = timedelta(days=1)

    def create(self, parent: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        schedule = parsed(body, v1.Schedule)
        check_schedule(parent, schedule)
        self.made += 1
        schedule.name = f"{parent}/schedules/{self.made}"
        schedule.state = State.ACTIVE
        schedule.next_run_time = datetime.now(UTC) + self.due_in
        self.by_name[schedule.name] = schedule
        return schedule

    def list(self, parent: str, query: str, _body: bytes) -> Any:
        text = query_of(query, {"filter", "pageSize", "pageToken", "orderBy"})
        chosen = [
            schedule
            for schedule in self.by_name.values()
            if matches(text.get("filter", ""), {"display_name": schedule.display_name})
        ]
        # One a page: a client that reads only the first page must fail.
        start = int(text.get("pageToken", "0"))
        more = str(start + 1) if start + 1 < len(chosen) else ""
        return v1.ListSchedulesResponse(schedules=chosen[start : start + 1], next_page_token=more)

    def get(self, name: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        return self._at(name)

    def update(self, name: str, query: str, body: bytes) -> Any:
        mask = query_of(query, {"updateMask"}).get("updateMask", "").split(",")
        wanted = {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), path) for path in mask}
        require(wanted <= UPDATABLE, f"updateMask {mask} has fields that can't be updated.")
        schedule, change = self._at(name), parsed(body, v1.Schedule)
        check_cron(change.cron)
        for field in wanted:
            setattr(schedule, field, getattr(change, field))
        return schedule

    def pause(self, name: str, query: str, body: bytes) -> None:
        parsed(body, v1.PauseScheduleRequest)
        schedule = self._at(name)
        require(schedule.state == State.ACTIVE, f"{name} is not active.")
        schedule.state = State.PAUSED

    def resume(self, name: str, query: str, body: bytes) -> None:
        request = parsed(body, v1.ResumeScheduleRequest)
        schedule = self._at(name)
        require(schedule.state == State.PAUSED, f"{name} is not paused.")
        schedule.state = State.ACTIVE
        schedule.catch_up = request.catch_up

    def delete(self, name: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        self._at(name)
        del self.by_name[name]
        return self.operations.done(name, empty_pb2.Empty())

    def tick(self) -> None:
        """The time has come: every active schedule starts a run, unless one of its runs goes on."""
        for schedule in self.by_name.values():
            mine = [
                job
                for job in self.jobs.by_name.values()
                if job.schedule_name == schedule.name and job.state not in OVER
            ]
            allowed = schedule.max_concurrent_active_run_count or len(mine) + 1
            if schedule.state != State.ACTIVE or len(mine) >= allowed:
                continue
            request = schedule.create_pipeline_job_request
            number = len(self.jobs.by_name) + 1
            job = self.jobs.start(request.parent, f"scheduled-{number}", request.pipeline_job)
            job.schedule_name = schedule.name

    def _at(self, name: str) -> Any:
        if name not in self.by_name:
            raise ApiError(404, f"Schedule {name} not found.")
        return self.by_name[name]


def check_schedule(parent: str, schedule: Any) -> None:
    """What the reference requires of a schedule."""
    check_display_name(schedule.display_name)
    check_cron(schedule.cron)
    require(schedule.max_concurrent_run_count > 0, "max_concurrent_run_count is required.")
    request = schedule.create_pipeline_job_request
    require(request.parent == parent, "create_pipeline_job_request.parent is required.")
    check_job(request.pipeline_job)
