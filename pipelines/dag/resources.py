"""Where a task runs: on the machine, in the image and with the limits of its stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kfp import dsl

from components.interface import FinalStatus
from components.registry.lineage import IMAGE_VARIABLE
from components.settings import Settings
from pipelines.config.machine_types import machine_limits
from pipelines.config.schema import Compute, Phase, Pipeline, Resources, seconds
from pipelines.dag.components import component
from pipelines.dag.spot import on_spot

TORCH_STAGES = ("label", "train", "evaluate", "queue")
# These look at the world outside (annotations, texts, registry) or speak to it: every time.
NEVER_CACHED = ("ingest", "upload", "queue", "notify")


# Of a node's CPUs and memory: its own daemons need the rest, and a pod that asks for all of it
# never starts (GKE keeps a quarter of the first 4 GiB, a fifth of the next 4, …).
POD_SHARE = 0.8


@dataclass(frozen=True)
class StageTasks:
    """Makes tasks of a stage on the machine, in the image and with the limits of its stage."""

    compute: Compute
    config: Pipeline

    def __call__(self, stage: str, **inputs: Any) -> dict[str, Any]:
        """The outputs of the new task, by name."""
        outputs: dict[str, Any] = self.task(stage, **inputs).outputs
        return outputs

    def stored(self, data: dict[str, Any], name: str, kind: Any) -> Any:
        """What `ingest` keeps under an address made of its content, as an input of a task.

        The same address is the same artifact (reimport=False), so that tasks after it can be
        cached. A folder of Kubeflow's volume can't be imported: there the address itself is given.
        """
        uri = data[f"{name}_uri"]
        if self.config.target == "kubeflow":
            return uri
        importer = dsl.importer(artifact_uri=uri, artifact_class=kind, reimport=False)
        return importer.set_display_name(name).output

    def task(self, stage: str, **inputs: Any) -> Any:
        """The new task. An input that is FinalStatus itself is one that KFP gives."""
        resources = self.compute.of(stage)
        images, vertex = self.config.images, self.config.vertex
        image = images.gpu if stage in TORCH_STAGES else images.cpu
        definition = component(stage, image, inputs)
        if resources.spot and vertex:
            definition = on_spot(definition, image, resources, vertex)
        given = {name: value for name, value in inputs.items() if value is not FinalStatus}
        task = definition(**given, timeout=seconds(resources.timeout))
        if not resources.spot:
            self.on_machine(task, image, resources)
        if stage == "upload":
            # It writes down which image trained the model, and runs in another.
            task.set_env_variable(IMAGE_VARIABLE, images.gpu)
        task.set_retry(resources.retries, backoff_duration="10s", backoff_factor=2.0)
        task.set_caching_options(stage not in NEVER_CACHED)
        return task

    def on_machine(self, task: Any, image: str, resources: Resources) -> None:
        """Place a plain task. The limits pick the machine, and must be constants."""
        cpus, memory = self.limits(resources)
        task.set_container_image(image)
        task.set_cpu_limit(cpus).set_memory_limit(memory)
        if resources.accelerator:
            kind = self.config.gpu_resource or resources.accelerator
            task.set_accelerator_type(kind).set_accelerator_limit(resources.count)

    def limits(self, resources: Resources) -> tuple[str, str]:
        """CPUs and memory that a task asks for: a machine's own, or a pod's share of one."""
        cpus, memory = machine_limits(resources.machine)
        if self.config.target != "kubeflow":
            # Vertex AI documents K, M and G.
            return str(cpus), f"{memory:g}G"
        return (
            resources.cpu or f"{int(cpus * 1000 * POD_SHARE)}m",
            resources.memory or f"{int(memory * 1000 * POD_SHARE)}M",
        )


def evaluation(phase: Phase) -> dict[str, Any]:
    """Settings of `evaluate`: what split keeps together is drawn together."""
    return {"group_by": phase.split.group_by, **plain(phase.evaluate)}


def plain(settings: Settings, without: set[str] | None = None) -> dict[str, Any]:
    """Settings as the JSON that a task takes; KFP has no null, so unset values are left out."""
    return settings.model_dump(mode="json", exclude_none=True, exclude=without)
