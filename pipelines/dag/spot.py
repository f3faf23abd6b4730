"""A stage on a spot machine of Vertex AI: cheaper, and taken away at any time.

A plain task of a pipeline cannot ask for one, so the stage is wrapped in GCPC's custom job. GCPC's
own wrapper (`create_custom_training_job_from_component`) is not used: it would take our inputs
`labels` and `timeout` for the job's, and put texts with quotes into its JSON as they are. Here the
job is constant, and the stage finds all of its inputs in the executor input, which Vertex AI
escapes.
"""

from __future__ import annotations

import json
from typing import Any

import yaml
from google.protobuf import json_format
from google_cloud_pipeline_components.v1.custom_job import CustomTrainingJobOp
from kfp.components import load_component_from_text

from components.program import FROM_EXECUTOR_INPUT
from pipelines.config.schema import Resources, Vertex, seconds

# The executor input in a JSON text, as GCPC writes it.
ESCAPED = "{{$.json_escape[1]}}"
# GCPC's launcher goes on waiting for the job that the file named last tells of, if there is one: a
# further attempt would find the dead job of the attempt before. Each attempt begins a job instead.
LAUNCH = 'for jobs; do :; done; rm -f "$jobs"; exec python3 -u -m "$0" "$@"'
# The stage ends itself at its timeout and says so; the job's own limit is for one that hangs.
SPARE_SECONDS = 600


def on_spot(component: Any, image: str, resources: Resources, vertex: Vertex) -> Any:
    """The component with the same inputs and outputs, as a custom job on a spot machine.

    Args:
        component: a container component of ours.
    """
    spec = json_format.MessageToDict(component.pipeline_spec)
    (executor,) = spec["deploymentSpec"]["executors"].values()
    job = job_of(component.name, executor["container"]["command"], image, resources, vertex)
    executor["container"] = launching(job, vertex)
    (inner,) = spec["components"].values()
    inner["outputDefinitions"].setdefault("parameters", {})["gcp_resources"] = {
        "parameterType": "STRING"
    }
    return load_component_from_text(yaml.safe_dump(spec))


def job_of(
    stage: str, command: list[str], image: str, resources: Resources, vertex: Vertex
) -> dict[str, Any]:
    """The custom job, as the API takes it."""
    machine: dict[str, Any] = {"machine_type": resources.machine}
    if resources.accelerator:
        machine["accelerator_type"] = resources.accelerator
        machine["accelerator_count"] = resources.count
    container = {
        "image_uri": image,
        "command": command,
        "args": ["--executor-input", ESCAPED, FROM_EXECUTOR_INPUT],
    }
    return {
        "display_name": stage,
        "job_spec": {
            "worker_pool_specs": [
                {"machine_spec": machine, "replica_count": 1, "container_spec": container}
            ],
            "scheduling": {
                "strategy": "SPOT",
                "timeout": f"{seconds(resources.timeout) + SPARE_SECONDS}s",
            },
            "service_account": vertex.service_account,
        },
    }


def launching(job: dict[str, Any], vertex: Vertex) -> dict[str, Any]:
    """The container of GCPC that starts a custom job and waits for its end."""
    template = json_format.MessageToDict(CustomTrainingJobOp.pipeline_spec)
    (executor,) = template["deploymentSpec"]["executors"].values()
    container: dict[str, Any] = executor["container"]
    options = {
        "--payload": json.dumps(job),
        "--project": vertex.project,
        "--location": vertex.location,
    }
    container["command"] = ["sh", "-ec", LAUNCH, container["command"][-1]]
    words = container["args"]
    for option, value in options.items():
        words[words.index(option) + 1] = value
    return container
