"""Runs a config with kfp's own Docker runner; whoever calls it starts the containers.

kfp's own are the order of the tasks, conditions, importers, retries, placeholders, what is mounted
and what becomes of outputs. Ours are two things that it cannot do (kfp 2.17.0):

- It asks a docker daemon to run each container (`run_docker_container` in
  kfp/local/docker_task_handler.py, line 123), through a client that podman answers only in part.
  `start` does that in its place.
- A condition on what a task in the same group has made is never found
  (`_resolve_pipeline_channel` in kfp/local/orchestrator/enhanced_dag_orchestrator.py, line 79:
  the compiler writes `pipelinechannel--TASK-OUTPUT`, and it looks for `TASK--OUTPUT` or for an
  input of the group), so that all behind it is left out. `spelled` writes conditions as it reads
  them; it evaluates them itself.

What it does not do at all: limits, machines and GPUs (`_warn_local_only_noops` in
kfp/local/orchestrator/task_executor.py, line 34), and tasks beside each other (line 561 of
enhanced_dag_orchestrator.py takes one after another).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from google.protobuf import json_format

from pipelines.config.load import Loaded
from pipelines.dag.compile import compiled


@dataclass(frozen=True)
class Task:
    """One container that kfp wants to run.

    Attributes:
        volumes: folder of this machine -> where the container is to see it, writable.
    """

    image: str
    command: list[str]
    environment: Mapping[str, str]
    volumes: Mapping[str, str]

    @property
    def stage(self) -> str:
        """The stage that the command runs: `python -m components STAGE …`."""
        return self.command[3]


class NoDaemon:
    """What kfp asks of a docker client beside running a container."""

    def info(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        return


def run_by_kfp(
    loaded: Loaded, parameters: Mapping[str, Any], root: Path, start: Callable[[Task], int]
) -> None:
    """Run a config to its end.

    Args:
        root: folder of all outputs, which kfp mounts at the same path.
        start: runs a container and returns its exit code.

    Raises:
        RuntimeError: a task failed; kfp names it.
    """
    from kfp import local
    from kfp.local import pipeline_orchestrator
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

    spec = json_format.ParseDict(spelled(yaml.safe_load(compiled(loaded))), PipelineSpec())
    with starting(start):
        local.init(local.DockerRunner(), pipeline_root=str(root), raise_on_error=True)
        pipeline_orchestrator.run_local_pipeline(spec, dict(parameters))


@contextmanager
def starting(start: Callable[[Task], int]) -> Iterator[None]:
    """Let kfp's Docker runner hand its containers to `start`."""
    from kfp.local import docker_task_handler

    def run(
        client: Any,
        image: str,
        command: list[str],
        volumes: dict[str, dict[str, str]],
        environment: Mapping[str, str] | None = None,
    ) -> int:
        places = {folder: volume["bind"] for folder, volume in volumes.items()}
        return start(Task(image, command, environment or {}, places))

    with (
        patch("docker.from_env", NoDaemon),
        patch.object(docker_task_handler, "run_docker_container", run),
    ):
        yield


def spelled(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec whose conditions name the outputs of tasks as kfp's local runner looks for them."""
    for component in spec["components"].values():
        for task in component.get("dag", {}).get("tasks", {}).values():
            policy = task.get("triggerPolicy", {})
            for name, source in task.get("inputs", {}).get("parameters", {}).items():
                made = source.get("taskOutputParameter")
                if made and "condition" in policy:
                    channel = (
                        f"pipelinechannel--{made['producerTask']}--{made['outputParameterKey']}"
                    )
                    policy["condition"] = policy["condition"].replace(f"'{name}'", f"'{channel}'")
    return spec
