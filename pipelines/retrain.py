"""The DAG: one branch per phase, from annotations to a model in the registry.

Read `phase_branch` top to bottom: it is the pipeline. Branches share nothing, so phases run side
by side wherever the spec runs. What is behind `dsl.If` runs only if a retrain is due; it always is,
unless the pipeline's parameter `when` is "due", as in the runs of a schedule.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from kfp import dsl

from components.convert.component import convert
from components.evaluate.component import evaluate
from components.fingerprint.component import fingerprint
from components.gate.component import gate
from components.ingest.component import ingest
from components.report.component import report
from components.settings import Settings
from components.split.component import split
from components.train.component import debug, train, train_from_champion
from components.upload.component import champion, due, upload
from components.upload.lineage import IMAGE_VARIABLE
from pipelines.config import Compute, Pipeline, Resources, seconds
from pipelines.machines import machine_limits
from pipelines.spot import on_spot

# These need torch; debug needs no GPU for it.
TORCH_STAGES = ("debug", "train", "evaluate")
# These look at the world outside (the annotations, the registry), so they look every time.
NEVER_CACHED = ("fingerprint", "due", "champion", "upload")
# These write down which image trained the model. Another one runs them.
TRACING_STAGES = ("report", "upload")


def retrain(
    config: Pipeline, training_configs: dict[str, str], training_code: dict[str, str]
) -> Any:
    """The whole pipeline, as a KFP component that the compiler takes.

    Args:
        training_configs: phase name -> text of its spaCy training config.
        training_code: phase name -> text of its module of registered functions; '' without one.
    """
    # KFP does not let one pipeline be defined inside another, so the branches come first.
    branches = [
        phase_branch(config, name, training_configs[name], training_code[name])
        for name in config.phases
    ]

    @dsl.pipeline(name=config.name)
    def all_phases(
        registry: str = config.registry_url,
        checkpoints: str = config.checkpoint_folder,
        when: str = "always",
    ) -> None:
        before = None
        for branch in branches:
            task = branch(registry=registry, checkpoints=checkpoints, when=when)
            if before and not config.parallel:
                # One that fails must not stop the next.
                task.after(before).ignore_upstream_failure()
            before = task

    return all_phases


def phase_branch(config: Pipeline, name: str, training_config: str, training_code: str) -> Any:
    """One phase as a sub-pipeline of that name."""
    phase = config.phases[name]
    stage = Placed(phase.compute, config)
    task, labels, model = phase.task, phase.labels, phase.model
    sources = [plain(source) for source in phase.annotations]
    context = {
        "phase": name,
        "training_config": short_digest(training_config),
        **({"training_code": short_digest(training_code)} if training_code else {}),
        **plain(phase, without={"annotations", "compute"}),
    }

    @dsl.pipeline(name=name)
    def branch(registry: str, checkpoints: str, when: str) -> None:
        source = stage(fingerprint, sources=sources, context=context)
        clean = stage(
            ingest,
            sources=sources,
            digest=source["data_digest"],
            task=task,
            labels=labels,
            settings=plain(phase.ingest),
        )
        found = stage(
            due,
            annotations=clean["annotations"],
            registry=registry,
            model=model.name,
            alias=model.alias,
            digest=source["digest"],
            context=context,
            when=when,
            settings=plain(config.due),
        )
        with dsl.If(found["decision"] == "train"):
            production = stage(
                champion,
                registry=registry,
                model=model.name,
                alias=model.alias,
                digest=source["digest"],
            )
            sides = stage(
                split,
                annotations=clean["annotations"],
                previous=production["dossier"],
                task=task,
                settings=plain(phase.split),
            )
            corpora = stage(
                convert,
                task=task,
                train_set=sides["train_set"],
                dev_set=sides["dev_set"],
                test_set=sides["test_set"],
                settings=plain(phase.convert),
            )
            lesson = {
                "task": task,
                "train_corpus": corpora["train_corpus"],
                "dev_corpus": corpora["dev_corpus"],
                "labels": labels,
                "config": training_config,
                "overrides": phase.train.set,
                "code": training_code,
            }
            debugged = stage(debug, **lesson)
            warm = phase.train.init == "champion"
            trained = stage(
                train_from_champion if warm else train,
                after=debugged,
                **lesson,
                **({"champion": production["champion"]} if warm else {}),
                settings=phase.train.settings,
                checkpoints=checkpoints,
            )
            judged = stage(
                evaluate,
                task=task,
                model=trained["model"],
                test_corpus=corpora["test_corpus"],
                champion=production["champion"],
                labels=labels,
                settings=plain(phase.evaluate),
            )
            verdict = stage(
                gate,
                scores=judged["scores"],
                data_report=clean["data_report"],
                dossier=production["dossier"],
                labels=labels,
                context=context,
                settings=plain(phase.gate),
            )
            page = stage(
                report,
                scores=judged["scores"],
                verdict=verdict["verdict"],
                predictions=judged["predictions"],
                data_report=clean["data_report"],
                split_report=sides["split_report"],
                log=trained["log"],
                dossier=production["dossier"],
                context=context,
            )
            stage(
                upload,
                model=trained["model"],
                scores=judged["scores"],
                verdict=verdict["verdict"],
                report=page["report"],
                model_card=page["model_card"],
                facts=page["facts"],
                assignment=sides["assignment"],
                examples=found["examples"],
                decision=verdict["decision"],
                registry=registry,
                settings=plain(model),
                digest=source["digest"],
                run=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
            )

    return branch


@dataclass(frozen=True)
class Placed:
    """Calls a component as a task on the machine, in the image and with the limits of its stage."""

    compute: Compute
    config: Pipeline

    def __call__(
        self, component: Any, *, after: dict[str, Any] | None = None, **inputs: Any
    ) -> dict[str, Any]:
        """The outputs of the new task, by name.

        Args:
            after: the outputs of a task that must have succeeded, though none of them is read.
        """
        stage = component.name
        resources = self.compute.of(stage)
        images, vertex = self.config.images, self.config.vertex
        image = images.gpu if stage in TORCH_STAGES else images.cpu
        if resources.spot and vertex:
            component = on_spot(component, image, resources, vertex)
        task = component(**inputs, timeout=seconds(resources.timeout))
        if not resources.spot:
            self.on_machine(task, image, resources)
        if stage in TRACING_STAGES:
            task.set_env_variable(IMAGE_VARIABLE, images.gpu)
        for output in (after or {}).values():
            task.after(output.task)
        task.set_retry(resources.retries, backoff_duration="10s", backoff_factor=2.0)
        task.set_caching_options(stage not in NEVER_CACHED)
        outputs: dict[str, Any] = task.outputs
        return outputs

    def on_machine(self, task: Any, image: str, resources: Resources) -> None:
        """Place a plain task. The limits pick the machine, and must be constants."""
        cpus, memory = machine_limits(resources.machine)
        task.set_container_image(image)
        task.set_cpu_limit(str(cpus)).set_memory_limit(f"{memory:g}Gi")
        if resources.accelerator:
            kind = self.config.gpu_resource or resources.accelerator
            task.set_accelerator_type(kind).set_accelerator_limit(resources.count)


def short_digest(text: str) -> str:
    """The beginning of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def plain(settings: Settings, without: set[str] | None = None) -> dict[str, Any]:
    """Settings as the JSON that a task takes; KFP has no null, so unset values are left out."""
    return settings.model_dump(mode="json", exclude_none=True, exclude=without)
