"""Some of the tasks of a phase alone: a model of its own, under a name of its own.

A model that does less must never take the place of one that does more, so what is trained of the
phase `letters`, model `letters`, for `topic` alone is the model `letters-topic`, with versions, a
champion and a gate of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from confection import Config

from components.errors import ConfigError
from components.gate.settings import GateSettings
from components.registry.settings import ModelSettings
from components.tasks import refuse_clashes, task_of
from components.tasks.base import Task
from components.tasks.listener import shared_network
from pipelines.config.load import Loaded
from pipelines.config.schema import Phase


def only_tasks(loaded: Loaded, asked: Sequence[str], phases: Sequence[str] | None) -> Loaded:
    """The config with nothing but some tasks; phases that have none of them are left out.

    Args:
        asked: names of tasks.
        phases: those that are meant; None for all.

    Raises:
        ConfigError: no phase has such a task, or it cannot be trained without another.
    """
    there = {
        name: [task.name for task in phase.all_tasks]
        for name, phase in loaded.pipeline.phases.items()
        if phases is None or name in phases
    }
    unknown = sorted({*asked} - {task for names in there.values() for task in names})
    if unknown:
        known = "; ".join(f"{name}: {', '.join(names)}" for name, names in there.items())
        raise ConfigError(f"--task {', '.join(unknown)}: there is no such task. There is {known}.")
    pipeline = loaded.pipeline.only([name for name, names in there.items() if {*names} & {*asked}])
    kept = {
        name: subset(name, phase, asked, loaded.training_configs[name])
        for name, phase in pipeline.phases.items()
    }
    return replace(loaded, pipeline=pipeline.model_copy(update={"phases": kept}))


def subset(name: str, phase: Phase, asked: Sequence[str], config: str) -> Phase:
    """A phase with some of its tasks.

    Raises:
        ConfigError: its training config has heads of its own, or a task needs one that is left out.
    """
    every = [task_of(each) for each in phase.all_tasks]
    tasks = [task for task in every if task.name in asked]
    if len(tasks) == len(every):
        return phase
    refuse_clashes(tasks)
    shared = shared_network(Config().from_str(config, interpolate=False))
    if shared is None:
        raise ConfigError(
            f"--task: the training config of {name}, {phase.train.config}, says itself what is "
            "learnt. Use one that takes its heads from the tasks, such as minilm-tasks."
        )
    gone = {*heads(every, shared)} - {*heads(tasks, shared)}
    labels = {label for task in tasks for label in task.labels}
    required = phase.ingest.required
    if required != "all":
        required = tuple(label for label in required if label in labels)
    overrides = {key: value for key, value in phase.train.set.items() if not within(key, gone)}
    name_of_model = "-".join([phase.model.name, *(task.name for task in tasks)])
    model = phase.model.model_dump() | {"name": name_of_model}
    return phase.model_copy(
        update={
            "tasks": {task.name: phase.tasks[task.name] for task in tasks},
            "ingest": phase.ingest.model_copy(update={"required": required}),
            "train": phase.train.model_copy(update={"set": overrides}),
            "gate": gate_of(phase.gate, [task.name for task in tasks], labels),
            "model": ModelSettings.model_validate(model),
        }
    )


def heads(tasks: Sequence[Task], shared: Any) -> Iterator[str]:
    """The dotted names of components, scores and rates that come with tasks."""
    for task in tasks:
        head = task.head(shared)
        yield from (f"components.{name}" for name in head["components"])
        yield from (f"training.optimizer.head_rates.{name}" for name in head["components"])
        scores: Mapping[str, Any] = head.get("training", {}).get("score_weights", {})
        yield from (f"training.score_weights.{name}" for name in scores)


def within(key: str, sections: set[str]) -> bool:
    """Whether a dotted key is one of these sections, or in one."""
    return any(key == section or key.startswith(f"{section}.") for section in sections)


def gate_of(gate: GateSettings, tasks: Sequence[str], labels: set[str]) -> GateSettings:
    """What a gate asks of some tasks and their labels."""
    floors = gate.min_f_per_label
    if isinstance(floors, Mapping):
        floors = {label: floor for label, floor in floors.items() if label in labels}
    return gate.model_copy(
        update={
            "tasks": {name: policy for name, policy in gate.tasks.items() if name in tasks},
            "required_labels": [label for label in gate.required_labels if label in labels],
            "min_f_per_label": floors,
        }
    )
