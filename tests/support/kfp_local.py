"""Runs a config with kfp's own local runner: its order, conditions, importers and placeholders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format

from pipelines.config.load import Loaded
from pipelines.dag.compile import compiled


@dataclass(frozen=True)
class Task:
    """One container that kfp wants to run, with everything under `root` at the same path."""

    image: str
    command: list[str]
    environment: Mapping[str, str]
    root: Path


def run_by_kfp(
    loaded: Loaded, parameters: Mapping[str, Any], root: Path, start: Callable[[Task], int]
) -> None:
    """Run a config to its end.

    Args:
        root: folder of all outputs.
        start: runs a container and returns its exit code. kfp would ask a docker daemon, through a
            client that podman answers only in part.

    Raises:
        RuntimeError: a task failed; kfp names it.
    """
    from kfp import local
    from kfp.local import docker_task_handler, pipeline_orchestrator, status
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

    def run(handler: Any) -> Any:
        task = Task(handler.image, handler.full_command, handler.env_vars, root)
        return status.Status.FAILURE if start(task) else status.Status.SUCCESS

    spec = json_format.ParseDict(unconditional(yaml.safe_load(compiled(loaded))), PipelineSpec())
    theirs = docker_task_handler.DockerTaskHandler.run
    docker_task_handler.DockerTaskHandler.run = run
    try:
        local.init(local.DockerRunner(), pipeline_root=str(root), raise_on_error=True)
        pipeline_orchestrator.run_local_pipeline(spec, dict(parameters))
    finally:
        docker_task_handler.DockerTaskHandler.run = theirs


def unconditional(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec whose conditions are taken for granted.

    kfp 2.17's local runner cannot look up what a condition compares (_resolve_pipeline_channel in
    kfp/local/orchestrator/enhanced_dag_orchestrator.py: it splits `pipelinechannel--TASK-OUTPUT` no
    further where a task of the same graph made it), and then leaves out all that is behind it.
    """
    for component in spec["components"].values():
        for task in component.get("dag", {}).get("tasks", {}).values():
            task.get("triggerPolicy", {}).pop("condition", None)
    return spec
