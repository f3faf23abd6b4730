"""The DAG: one branch per phase, from annotations to a model in the registry.

Read `phase_branch` top to bottom: it is the pipeline. Branches share nothing, so phases run side
by side wherever the spec runs. What is behind `dsl.If` runs only if a retrain is due; it always
is, unless the pipeline's parameter `when` is "due", as in the runs of a schedule.
"""

import hashlib
from typing import Any

from kfp import dsl

from pipelines.config.schema import Pipeline
from pipelines.dag.notifications import notify_of_end, notify_of_hold
from pipelines.dag.resources import StageTasks, plain


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
        for phase, branch in zip(config.phases, branches, strict=True):
            task = branch(registry=registry, checkpoints=checkpoints, when=when)
            if before and not config.parallel:
                # One that fails must not stop the next.
                task.after(before).ignore_upstream_failure()
            before = task
            if config.notify:
                notify_of_end(config, config.notify, phase, task)

    return all_phases


def phase_branch(config: Pipeline, name: str, training_config: str, training_code: str) -> Any:
    """One phase as a sub-pipeline of that name."""
    phase = config.phases[name]
    stage = StageTasks(phase.compute, config)
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
        source = stage("fingerprint", sources=sources, context=context)
        clean = stage(
            "ingest",
            sources=sources,
            digest=source["data_digest"],
            task=task,
            labels=labels,
            settings=plain(phase.ingest),
        )
        found = stage(
            "due",
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
                "champion",
                registry=registry,
                model=model.name,
                alias=model.alias,
                digest=source["digest"],
            )
            splits = stage(
                "split",
                annotations=clean["annotations"],
                previous=production["champion_metadata"],
                task=task,
                settings=plain(phase.split),
            )
            corpora = stage(
                "convert",
                task=task,
                train_set=splits["train_set"],
                dev_set=splits["dev_set"],
                test_set=splits["test_set"],
                settings=plain(phase.convert),
            )
            training_inputs = {
                "task": task,
                "train_corpus": corpora["train_corpus"],
                "dev_corpus": corpora["dev_corpus"],
                "labels": labels,
                "config": training_config,
                "overrides": phase.train.set,
                "code": training_code,
            }
            debugged = stage("debug", **training_inputs)
            warm = phase.train.init == "champion"
            trained = stage(
                "train",
                after=debugged,
                **training_inputs,
                **({"champion": production["champion"]} if warm else {}),
                settings=phase.train.settings,
                checkpoints=checkpoints,
            )
            evaluated = stage(
                "evaluate",
                task=task,
                model=trained["model"],
                test_corpus=corpora["test_corpus"],
                champion=production["champion"],
                champion_metadata=production["champion_metadata"],
                labels=labels,
                init=phase.train.init,
                settings=plain(phase.evaluate),
            )
            gate_decision = stage(
                "gate",
                scores=evaluated["scores"],
                data_report=clean["data_report"],
                champion_metadata=production["champion_metadata"],
                labels=labels,
                context=context,
                settings=plain(phase.gate),
            )
            if config.notify:
                with dsl.If(gate_decision["decision"] == "hold"):
                    notify_of_hold(config, config.notify, name, gate_decision["headline"])
            page = stage(
                "report",
                scores=evaluated["scores"],
                gate_decision=gate_decision["gate_decision"],
                predictions=evaluated["predictions"],
                data_report=clean["data_report"],
                split_report=splits["split_report"],
                convert_report=corpora["convert_report"],
                log=trained["log"],
                champion_metadata=production["champion_metadata"],
                context=context,
            )
            stage(
                "upload",
                model=trained["model"],
                scores=evaluated["scores"],
                gate_decision=gate_decision["gate_decision"],
                report=page["report"],
                model_card=page["model_card"],
                facts=page["facts"],
                assignment=splits["assignment"],
                examples=found["examples"],
                decision=gate_decision["decision"],
                registry=registry,
                settings=plain(model),
                champion_version=production["version"],
                digest=source["digest"],
                run=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
            )

    return branch


def short_digest(text: str) -> str:
    """The beginning of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
