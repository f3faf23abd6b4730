"""Pipeline jobs: created, run step by step as they are looked at, cancelled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format

from tests.support.kfp_rules import before
from tests.support.service import ApiError
from tests.vertex.rules import (
    check_display_name,
    check_labels,
    check_spec,
    matches,
    parsed,
    query_of,
    require,
)

State = v1.PipelineState
TaskState = v1.PipelineTaskDetail.State
OVER = {
    State.PIPELINE_STATE_SUCCEEDED,
    State.PIPELINE_STATE_FAILED,
    State.PIPELINE_STATE_CANCELLED,
}


class Jobs:
    """The pipeline jobs of one location.

    A job goes one step further each time it is read: pending, running, done. `failing` names tasks
    (`phase-1/train`) that fail; with them fail the job and the rest of their branch. `waiting` says
    why a phase is not due: nothing behind its condition begins.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}
        self.failing: set[str] = set()
        self.waiting: dict[str, str] = {}
        self.busy = False

    def create(self, parent: str, query: str, body: bytes) -> Any:
        job_id = query_of(query, {"pipelineJobId"}).get("pipelineJobId", "")
        job = parsed(body, v1.PipelineJob)
        return self.start(parent, job_id or f"job-{len(self.by_name) + 1}", job)

    def start(self, parent: str, job_id: str, job: Any) -> Any:
        """Check a job as the service would, and begin it."""
        require(re.fullmatch(r"[a-z][-a-z0-9]{0,126}", job_id), f"pipeline_job_id {job_id!r}.")
        check_job(job)
        name = f"{parent}/pipelineJobs/{job_id}"
        if name in self.by_name:
            raise ApiError(409, f"PipelineJob {name} already exists.")
        job = v1.PipelineJob(job)
        job.name = name
        job.state = State.PIPELINE_STATE_PENDING
        job.create_time = datetime.now(UTC)
        job.job_detail = {"task_details": task_details(spec_of(job))}
        self.by_name[name] = job
        return job

    def get(self, name: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        job = self._at(name)
        if not self.busy:
            self._step(job)
        return job

    def list(self, parent: str, query: str, _body: bytes) -> Any:
        text = query_of(query, {"filter", "pageSize", "pageToken", "orderBy", "readMask"})
        # One a page: a client that reads only the first page must fail.
        chosen = [
            job
            for name, job in reversed(self.by_name.items())
            if name.startswith(f"{parent}/") and matches(text.get("filter", ""), fields(job))
        ]
        start = int(text.get("pageToken", "0"))
        more = str(start + 1) if start + 1 < len(chosen) else ""
        return v1.ListPipelineJobsResponse(
            pipeline_jobs=chosen[start : start + 1], next_page_token=more
        )

    def cancel(self, name: str, query: str, body: bytes) -> None:
        query_of(query, set())
        parsed(body, v1.CancelPipelineJobRequest)
        job = self._at(name)
        require(job.state not in OVER, f"{name} is over and can't be cancelled.")
        job.state = State.PIPELINE_STATE_CANCELLED
        job.end_time = datetime.now(UTC)

    def _at(self, name: str) -> Any:
        if name not in self.by_name:
            raise ApiError(404, f"PipelineJob {name} not found.")
        return self.by_name[name]

    def _step(self, job: Any) -> None:
        if job.state == State.PIPELINE_STATE_PENDING:
            job.state = State.PIPELINE_STATE_RUNNING
            job.start_time = datetime.now(UTC)
        elif job.state == State.PIPELINE_STATE_RUNNING:
            self.finish(job)

    def finish(self, job: Any) -> None:
        """End a job as `failing` says."""
        self._leave_out(job)
        broken: set[str] = set()
        paths = task_paths(job)
        for task in by_time(job):
            path = paths[task.task_id]
            branch = path.partition("/")[0]
            task.start_time = task.end_time = task.create_time
            task.state = TaskState.SUCCEEDED
            if path in self.failing:
                broken.add(branch)
                task.state = TaskState.FAILED
                task.error = {"code": 9, "message": "The replica exited with a non-zero status: 3."}
            elif branch in broken or (branch in self.waiting and is_condition(task.task_name)):
                task.state = TaskState.NOT_TRIGGERED
            if path.endswith("/ingest"):
                why = self.waiting.get(branch, "")
                decided = {"output:decision": "wait" if why else "train", "output:why": why}
                task.execution = {"metadata": decided}
        failed = bool(broken)
        job.state = State.PIPELINE_STATE_FAILED if failed else State.PIPELINE_STATE_SUCCEEDED
        job.end_time = datetime.now(UTC)

    def _leave_out(self, job: Any) -> None:
        """Take off the list what stands behind a condition of a phase that is not due."""
        paths = task_paths(job)
        gone: set[int] = set()
        kept = []
        for task in by_time(job):
            if task.parent_task_id in gone:
                gone.add(task.task_id)
                continue
            kept.append(task)
            if is_condition(task.task_name) and paths[task.task_id] in self.waiting:
                gone.add(task.task_id)
        job.job_detail.task_details = kept


def set_output(job: Any, path: str, name: str, uri: str) -> None:
    """Tell, as the service does, where a task has left an artifact."""
    paths = task_paths(job)
    (task,) = (task for task in job.job_detail.task_details if paths[task.task_id] == path)
    task.outputs = {name: {"artifacts": [{"uri": uri}]}}


def check_job(job: Any) -> None:
    """What the reference requires of a PipelineJob."""
    check_display_name(job.display_name)
    check_labels(job.labels)
    root = job.runtime_config.gcs_output_directory
    require(root.startswith("gs://"), "runtime_config.gcs_output_directory must be a gs:// path.")
    if job.service_account:
        account = re.fullmatch(r"[^@\s]+@[^@\s]+\.iam\.gserviceaccount\.com", job.service_account)
        require(account, f"service_account {job.service_account!r} is invalid.")
    parameters = json_format.MessageToDict(v1.PipelineJob.pb(job).runtime_config)
    check_spec(spec_of(job), parameters.get("parameterValues", {}))


def spec_of(job: Any) -> dict[str, Any]:
    """The pipeline spec of a job as plain data."""
    spec: dict[str, Any] = json_format.MessageToDict(v1.PipelineJob.pb(job).pipeline_spec)
    return spec


def task_details(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """One detail per task and sub-pipeline, each with the id of the one that it is in.

    Ids are negative and say nothing of the order, and neither does the list: times do.
    """
    chance = Random(0)
    created = datetime.now(UTC)
    details: list[dict[str, Any]] = []

    def add(name: str, parent: int, component: dict[str, Any]) -> None:
        number = -chance.getrandbits(62)
        time = created + timedelta(milliseconds=len(details))
        detail = {"task_id": number, "task_name": name, "state": "PENDING", "create_time": time}
        details.append(detail | ({"parent_task_id": parent} if parent else {}))
        for key, task in in_order(component.get("dag", {}).get("tasks", {})):
            add(key, number, spec["components"][task["componentRef"]["name"]])

    add(spec["pipelineInfo"]["name"], 0, spec["root"])
    chance.shuffle(details)
    return details


def in_order(tasks: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Tasks of a graph so that each comes after those that it waits for."""
    done: set[str] = set()
    while len(done) < len(tasks):
        ready = [name for name in tasks if name not in done and before(tasks[name]) <= done]
        done.update(ready)
        yield from ((name, tasks[name]) for name in ready)


def by_time(job: Any) -> list[Any]:
    """The tasks of a job as they came about, each after the one that it is in."""
    return sorted(job.job_detail.task_details, key=lambda task: task.create_time)


def task_paths(job: Any) -> dict[int, str]:
    """Task id -> `phase/stage`, without the conditions between them."""
    paths: dict[int, str] = {}
    for task in by_time(job):
        parent = paths.get(task.parent_task_id, "")
        name = "" if not task.parent_task_id or is_condition(task.task_name) else task.task_name
        paths[task.task_id] = "/".join(filter(None, [parent, name]))
    return paths


def is_condition(name: str) -> bool:
    """Whether a task is what KFP makes of a dsl.If or dsl.Else."""
    return re.fullmatch(r"condition(-branches)?-\d+", name) is not None


def fields(job: Any) -> dict[str, str]:
    """What a filter may ask of a job."""
    labels = {f"labels.{key}": value for key, value in job.labels.items()}
    return {"display_name": job.display_name, "state": job.state.name, **labels}
