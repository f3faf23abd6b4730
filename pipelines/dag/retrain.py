"""The DAG: one branch per phase, from annotations to a model in the registry.

Read `phase_branch` top to bottom: it is the pipeline. Branches share nothing, so phases run side
by side wherever the spec runs; one that another phase teaches follows that one. What is behind
`dsl.If` runs only if a retrain is due; it always is, unless the pipeline's parameter `when` is
"due", as in the runs of a schedule.

`ingest` always runs, so what it hands to cached tasks are parameters and things whose address is
made of their content. Each cached task takes the digest of what it depends on as a parameter: a
back end that knows an artifact by its name or its id alone can't reuse what was made of another.
"""

import hashlib
from typing import Any

from kfp import dsl

from pipelines.config.schema import Notify, Pipeline
from pipelines.dag.notifications import notify_held, notify_of_end, notify_of_hold
from pipelines.dag.resources import StageTasks, evaluation, plain
from pipelines.dag.teaching import taught


def retrain(
    config: Pipeline, training_configs: dict[str, str], training_code: dict[str, str]
) -> Any:
    """The whole pipeline, as a KFP component that the compiler takes.

    Args:
        training_configs: phase name -> text of its spaCy training config.
        training_code: phase name -> text of its module of registered functions; '' without one.
    """
    # KFP does not let one pipeline be defined inside another, so the branches come first.
    branches = {
        name: phase_branch(config, name, training_configs[name], training_code[name])
        for name in config.phases
    }

    @dsl.pipeline(name=config.name)
    def all_phases(
        registry: str = config.registry_url,
        checkpoints: str = config.checkpoint_folder,
        store: str = config.store_folder,
        when: str = "always",
    ) -> None:
        tasks = {
            phase: branches[phase](
                registry=registry, checkpoints=checkpoints, store=store, when=when
            )
            for phase in sorted(branches, key=lambda name: -importers(branches[name]))
        }
        before = ""
        for phase in config.in_order:
            teacher = config.phases[phase].teacher
            first = before if not config.parallel else teacher.phase if teacher else ""
            if first:
                # One that fails must not stop the next: it may learn from the teacher that is in
                # production.
                tasks[phase].after(tasks[first]).ignore_upstream_failure()
            before = phase
            if config.notify:
                notify_of_end(config, config.notify, phase, tasks[phase], registry)

    return all_phases


def importers(branch: Any) -> int:
    """How many importers a branch has. The branch with the most of them has to come first.

    KFP calls them all importer and numbers them. Where two branches meet it gives those of the
    second other numbers, in the order of a protobuf map, which is none, and may hit on a number
    that the second has itself: then two of its components share what is left of their executors.
    A branch that has no more than were there before has no number that is free.
    """
    executors = branch.pipeline_spec.deployment_spec["executors"]
    return sum(name.startswith("exec-importer") for name in executors)


def phase_branch(config: Pipeline, name: str, training_config: str, training_code: str) -> Any:
    """One phase as a sub-pipeline of that name."""
    phase = config.phases[name]
    stage = StageTasks(phase.compute, config)
    model = phase.model
    tasks = [task.model_dump() for task in phase.all_tasks]
    context = {
        "phase": name,
        "training_config": short_digest(training_config),
        **({"training_code": short_digest(training_code)} if training_code else {}),
        **plain(phase, without={"annotations", "compute", "due", "queue", *phase.unused}),
    }

    held = hold_branch(config, config.notify, name) if config.notify else None
    teacher = phase.teacher
    asked = {"teacher": config.teacher_of(name), "texts": teacher.texts} if teacher else {}

    @dsl.pipeline(name=name)
    def branch(registry: str, checkpoints: str, store: str, when: str) -> None:
        data = stage(
            "ingest",
            sources=[plain(source, source.unused) for source in phase.annotations],
            tasks=tasks,
            settings=plain(phase.ingest),
            context=context,
            registry=registry,
            model=model.name,
            alias=model.alias,
            when=when,
            due=plain(config.due),
            store=store,
            **asked,
        )
        with dsl.If(data["decision"] == "train"):
            champion = {
                "champion": stage.stored(data, "champion", dsl.Model),
                "champion_digest": data["champion_digest"],
            }
            previous = stage.stored(data, "previous", dsl.Artifact)
            annotations = stage.stored(data, "annotations", dsl.Dataset)
            splits = stage(
                "split",
                annotations=annotations,
                annotations_digest=data["annotations_digest"],
                previous=previous,
                previous_digest=data["previous_digest"],
                tasks=tasks,
                settings=plain(phase.split),
            )
            learnt = taught(stage, phase, data, splits, annotations, checkpoints)
            corpora = stage(
                "convert",
                tasks=tasks,
                train_set=learnt.train_set,
                dev_set=splits["dev_set"],
                test_set=splits["test_set"],
                splits_digest=learnt.splits_digest,
                settings=plain(phase.convert),
            )
            trained = stage(
                "train",
                tasks=tasks,
                train_corpus=corpora["train_corpus"],
                dev_corpus=corpora["dev_corpus"],
                training_digest=corpora["training_digest"],
                config=training_config,
                overrides=phase.train.set,
                code=training_code,
                settings=phase.train.settings,
                checkpoints=checkpoints,
                **(champion if phase.train.init == "champion" else {}),
            )
            evaluated = stage(
                "evaluate",
                tasks=tasks,
                model=trained["model"],
                model_digest=trained["model_digest"],
                test_corpus=corpora["test_corpus"],
                test_digest=corpora["test_digest"],
                train_corpus=corpora["train_corpus"],
                dev_corpus=corpora["dev_corpus"],
                training_digest=corpora["training_digest"],
                **champion,
                champion_assignment=previous,
                assignment_digest=data["previous_digest"],
                init=phase.train.init,
                settings=evaluation(phase),
                **learnt.to_evaluate,
            )
            uploaded = stage(
                "upload",
                model=trained["model"],
                model_digest=trained["model_digest"],
                scores=evaluated["scores"],
                predictions=evaluated["predictions"],
                data_report=data["data_report"],
                examples=data["examples"],
                split_report=splits["split_report"],
                assignment=learnt.assignment,
                convert_report=corpora["convert_report"],
                log=trained["log"],
                tasks=tasks,
                context=context,
                gate=plain(phase.gate),
                registry=registry,
                settings=plain(model),
                champion_version=data["champion_version"],
                digest=data["digest"],
                origin=data["origin"],
                run=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
                **learnt.to_upload,
            )
            if phase.queue:
                stage(
                    "queue",
                    model=trained["model"],
                    model_digest=trained["model_digest"],
                    name=model.name,
                    version=uploaded["version"],
                    tasks=tasks,
                    annotations=annotations,
                    annotations_digest=data["annotations_digest"],
                    passed_over=data["passed_over"],
                    assignment=splits["assignment"],
                    group_by=phase.split.group_by,
                    settings=plain(phase.queue),
                    field=phase.field,
                )
            if config.notify:
                with dsl.If(uploaded["not_promoted"] != ""):
                    notify_of_hold(config.notify, held, uploaded, registry)

    return branch


def hold_branch(config: Pipeline, notify: Notify, phase: str) -> Any:
    """The sub-pipeline that tells that a model did not go into production."""

    @dsl.pipeline(name="held")
    def held(why: str, outcome: str, version: str, since: str, registry: str) -> None:
        upload = {"outcome": outcome, "version": version, "since": since}
        notify_held(config, notify, phase, held=why, registry=registry, **upload)

    return held


def short_digest(text: str) -> str:
    """The beginning of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
