"""The tasks in a compiled spec, by the paths that people know them under."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from components.program import whole
from pipelines.config.schema import STAGES

# libyaml reads a spec ten times as fast; PyYAML may have been built without it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# As KFP names what stands under a dsl.If or dsl.Else.
CONDITION = re.compile(r"condition(-branches)?-\d+")


def parsed(text: str) -> dict[str, Any]:
    """A compiled spec."""
    spec: dict[str, Any] = yaml.load(text, _LOADER)  # noqa: S506 (both loaders are safe)
    return spec


def leaves(spec: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Path ("phase-1/train") and names from the top of every task that runs a container.

    Phase by phase, and in a phase in the order of the stages: a spec is sorted by the alphabet.
    """
    return sorted(
        ((path_of(names), names) for names in containers(spec)),
        key=lambda leaf: (leaf[1][0], place_of(leaf[1][-1])),
    )


def containers(spec: Mapping[str, Any]) -> Iterator[list[str]]:
    """Names from the top of every task that runs a container."""
    waiting: list[tuple[list[str], Mapping[str, Any]]] = [([], spec.get("root", {}))]
    while waiting:
        above, component = waiting.pop(0)
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            inner = spec["components"][task["componentRef"]["name"]]
            if "dag" in inner:
                waiting.append(([*above, name], inner))
            else:
                yield [*above, name]


def place_of(task: str) -> int:
    """Where the stage that a task is of stands in a phase; last for a task of no stage."""
    stages = [place for place, stage in enumerate(STAGES) if task.startswith(stage)]
    return stages[0] if stages else len(STAGES)


def path_of(names: list[str]) -> str:
    """The names from the top to a task as a path, without the conditions that it is under."""
    return "/".join(name for name in names if not CONDITION.fullmatch(name))


def constant(spec: Mapping[str, Any], phase: str, task: str, name: str) -> Any:
    """The value of a constant input of a task right in a phase, whole numbers as ints."""
    component = spec["root"]["dag"]["tasks"][phase]["componentRef"]["name"]
    inputs = spec["components"][component]["dag"]["tasks"][task]["inputs"]["parameters"]
    return whole(inputs[name]["runtimeValue"]["constant"])


def serial_starts(spec: Mapping[str, Any]) -> int:
    """How many machines a run starts one after another: tasks with a container, on the longest way.

    Whatever waits for nothing else runs beside it.
    """
    return longest(spec, spec["root"]["dag"])


def longest(spec: Mapping[str, Any], dag: Mapping[str, Any]) -> int:
    """The starts on the longest way through a graph."""
    executors = spec["deploymentSpec"]["executors"]
    ends: dict[str, int] = {}

    def end(name: str) -> int:
        if name not in ends:
            task = dag["tasks"][name]
            component = spec["components"][task["componentRef"]["name"]]
            if "dag" in component:
                own = longest(spec, component["dag"])
            else:
                own = "container" in executors[component["executorLabel"]]
            ends[name] = own + max(map(end, task.get("dependentTasks", [])), default=0)
        return ends[name]

    return max(map(end, dag["tasks"]), default=0)
