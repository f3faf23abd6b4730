"""The tasks of a run on Kubeflow Pipelines, by phase and stage.

Its API lists the nodes of the Argo workflow that a run is, under the names of the stages alone: two
phases have two tasks called `train`. Which is whose stands only in the ids of their child nodes:
Argo makes each from a hash over the names from the top, so the ids of a phase can be worked out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pipelines.dag.spec import leaves
from pipelines.services.base import Task

# As Argo says it of a node that was left out.
STATES = {"canceled": "cancelled", "canceling": "cancelling", "skipped": "not_triggered"}
# The node in which a stage's container runs, below the stage's own.
EXECUTOR = "executor"


def tasks_of(run: Any) -> Iterator[Task]:
    """The tasks of a run as its spec has them; what has not begun is pending until the end."""
    details = (run.run_details and run.run_details.task_details) or []
    nodes = {
        child.pod_name: detail
        for detail in details
        for child in detail.child_tasks or []
        if child.pod_name
    }
    workflow = next((name.rpartition("-")[0] for name in nodes), "")
    stages = leaves(pipeline_spec(run))
    ids = {path: node_id(workflow, names) for path, names in stages}
    if nodes.keys().isdisjoint(ids.values()):
        # Not begun; or a cluster that counts in another way, which must not look like the former.
        names = {names[-1] for _, names in stages}
        nameless = [detail for detail in details if detail.display_name in names]
        if nameless:
            yield from (task_of(f"?/{one.display_name}", one, run.run_id) for one in nameless)
            return
    for path, _ in stages:
        if ids[path] in nodes or not moment(run.finished_at):
            yield task_of(path, nodes.get(ids[path]), run.run_id)
        else:
            # Behind a condition that did not hold, or after a failure.
            yield Task(path, "not_triggered", started=None, ended=None)


def node_id(workflow: str, names: list[str]) -> str:
    """The id of the node in which a task's container runs; `names` lead to it from the top."""
    full = ".".join([workflow, "root", *names, EXECUTOR])
    return f"{workflow}-{fnv1a(full)}"


def task_of(path: str, detail: Any, run: str) -> Task:
    """One task; `detail` is None before the cluster knows of it."""
    if detail is None:
        return Task(path, "pending", started=None, ended=None)
    state = str(detail.state or "pending").lower()
    return Task(
        path,
        STATES.get(state, state),
        started=moment(detail.start_time),
        ended=moment(detail.end_time),
        error=(detail.error and detail.error.message) or "",
        job=run,
    )


def pipeline_spec(run: Any) -> Mapping[str, Any]:
    """The spec of a run; it stands alone, or beside what is only for Kubernetes."""
    spec = run.pipeline_spec or {}
    return spec.get("pipeline_spec", spec)  # type: ignore[no-any-return]


def fnv1a(text: str) -> int:
    """The 32-bit FNV-1a hash, which Argo makes node ids with."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def moment(time: datetime | None) -> datetime | None:
    """A time of the API; what has not happened yet is 1970 there."""
    return time if time and time.year > 1970 else None
