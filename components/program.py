"""The command line of a stage, as its container gets it."""

from __future__ import annotations

from typing import Any

# KFP puts the description of the task in place of it: dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER.
EXECUTOR_INPUT = "{{$}}"


def program(stage: str, **arguments: Any) -> dict[str, list[Any]]:
    """`command` and `args` of a dsl.ContainerSpec that runs a stage.

    Args:
        arguments: the stage's options; `train_set=path` becomes `--train-set path`.
    """
    options = [
        part for name, value in arguments.items() for part in (f"--{name.replace('_', '-')}", value)
    ]
    return {
        "command": ["python", "-m", "components", stage],
        "args": ["--executor-input", EXECUTOR_INPUT, *options],
    }
