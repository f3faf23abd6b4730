"""Whether the texts of a pipeline fit where its services put them, found before anything is sent.

Linux takes 131,071 bytes in one argument of a command. A task gets its whole executor input as one:
every parameter twice, as Vertex AI writes it (recorded in kfp's own tests,
execute_commands_args_test.py: `parameterValues` and `parameters`), escaped as JSON and for a spot
machine once more. Kubeflow hands a whole phase to its driver as one argument, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.errors import ConfigError

ARGUMENT = 131_071
# What is known only in a run: an artifact with its URI and metadata, and a parameter of a task.
ARTIFACT, PARAMETER = 1500, 500
WHOLE = ("{{$}}", "{{$.json_escape[1]}}")


def check_sizes(spec: Mapping[str, Any], target: str) -> None:
    """Refuse a spec with a text that is too long.

    Raises:
        ConfigError: names the task and its longest text.
    """
    for name, task, container in placed(spec):
        constants = constants_of(task)
        described = executor_input(task, constants)
        for word in container.get("args", []):
            if (size := size_in(word, described, constants)) > ARGUMENT:
                raise ConfigError(too_long(f"the task {name}", size, constants))
    if target == "kubeflow":
        for name, component in spec["components"].items():
            size = len(escaped(json.dumps(component)))
            if "dag" in component and size > ARGUMENT:
                tasks = component["dag"]["tasks"].values()
                constants = {k: v for task in tasks for k, v in constants_of(task).items()}
                raise ConfigError(
                    too_long(f"the part {name.removeprefix('comp-')}", size, constants)
                )


def placed(spec: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, task and container of everything that runs one."""
    executors = spec["deploymentSpec"]["executors"]
    for outer in (spec["root"], *spec["components"].values()):
        for name, task in outer.get("dag", {}).get("tasks", {}).items():
            component = spec["components"][task["componentRef"]["name"]]
            container = executors.get(component.get("executorLabel"), {}).get("container")
            if container:
                yield name, task, container


def constants_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a task that are known now."""
    parameters = task.get("inputs", {}).get("parameters", {})
    return {
        name: source["runtimeValue"]["constant"]
        for name, source in parameters.items()
        if "runtimeValue" in source
    }


def executor_input(task: Mapping[str, Any], constants: Mapping[str, Any]) -> str:
    """The description that a task gets, with room for what a run fills in."""
    inputs = task.get("inputs", {})
    texts = {
        name: {"stringValue": value if isinstance(value, str) else json.dumps(value)}
        for name, value in constants.items()
    }
    unknown = len(inputs.get("parameters", {})) - len(constants)
    room = 2 * PARAMETER * unknown + ARTIFACT * (len(inputs.get("artifacts", {})) + 10)
    document = {"parameterValues": constants, "parameters": texts, "": "x" * room}
    return json.dumps(document, ensure_ascii=False)


def size_in(word: str, described: str, constants: Mapping[str, Any]) -> int:
    """Bytes of an argument once it is filled in."""
    whole, twice = WHOLE
    filled = word.replace(whole, described).replace(twice, escaped(described))
    for name, value in constants.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        filled = filled.replace(f"{{{{$.inputs.parameters['{name}']}}}}", text)
    return len(filled.encode())


def escaped(text: str) -> str:
    """A text as it stands in a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def too_long(where: str, size: int, constants: Mapping[str, Any]) -> str:
    """The message, with the text that is to be shortened."""
    sizes = {name: len(json.dumps(value).encode()) for name, value in constants.items()}
    longest = max(sizes, key=lambda name: sizes[name])
    return (
        f"{where} would get an argument of {size:,} bytes, and Linux takes {ARGUMENT:,}. The "
        f"longest text in it is `{longest}` ({sizes[longest]:,} bytes): shorten it."
    )
