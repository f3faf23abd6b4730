"""What the compiler writes and the local runner does not implement; each raises ConfigError.

References between tasks are not looked at: the compiler has made the spec, and checks them.
"""

from __future__ import annotations

from components.errors import ConfigError
from pipelines.local.runner.graph import Node
from pipelines.local.runner.placeholders import check_constant
from pipelines.local.runner.spec import DagOutputs, RetryPolicy, TaskSpec, seconds


def check_retries(spec: TaskSpec, is_group: bool, where: str) -> None:
    """Groups are not tried again, and waits between attempts are durations."""
    if is_group and spec.retry_policy != RetryPolicy():
        raise ConfigError(
            f"pipeline spec, {where}: retryPolicy of a group of tasks is not implemented; "
            "set retries on the tasks in it"
        )
    seconds(spec.retry_policy.backoff_duration)
    seconds(spec.retry_policy.backoff_max_duration)


def check_inputs(node: Node, where: str) -> None:
    """Constants can be filled in, and every input of a task has a value."""
    given = node.spec.inputs
    for source in given.parameters.values():
        if source.runtime_value:
            check_constant(source.runtime_value.constant, given.parameters, where)
    missing = [
        name
        for name, parameter in node.inputs.parameters.items()
        if name not in given.parameters and parameter.default_value is None
    ]
    missing += [name for name in node.inputs.artifacts if name not in given.artifacts]
    if node.path and missing:
        raise ConfigError(
            f"pipeline spec, {where}: no value for {missing}. The local runner has no null: give "
            "the input a value or a default"
        )


def check_outputs(outputs: DagOutputs, where: str) -> None:
    """What a group hands out comes from one task each."""
    for name, selectors in outputs.artifacts.items():
        if len(selectors.artifact_selectors) != 1:
            raise ConfigError(
                f"pipeline spec, {where}: output {name!r} comes from several tasks (dsl.OneOf), "
                "which the local runner does not implement"
            )
