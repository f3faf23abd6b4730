"""Checks of a graph before the first of its tasks runs; each raises ConfigError and names the part.

They look for what types cannot say: references to what is not there, and values that are missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from components.errors import ConfigError
from pipelines.local.runner.graph import Node
from pipelines.local.runner.placeholders import check_constant
from pipelines.local.runner.spec import (
    ComponentSpec,
    DagOutputs,
    Definitions,
    RetryPolicy,
    TaskSpec,
    seconds,
)


def check_group(spec: TaskSpec, component: ComponentSpec, where: str) -> None:
    """A task is a command or a group, and its retries can be done."""
    if (component.dag is None) == (component.executor_label is None):
        raise ConfigError(f"pipeline spec, {where}: needs either a dag or an executorLabel")
    if component.dag is not None and spec.retry_policy != RetryPolicy():
        raise ConfigError(
            f"pipeline spec, {where}: retryPolicy of a group of tasks is not implemented; "
            "set retries on the tasks in it"
        )
    seconds(spec.retry_policy.backoff_duration)
    seconds(spec.retry_policy.backoff_max_duration)


def check_inputs(node: Node, where: str) -> None:
    """Every declared input is given or may be left out, from exactly one source."""
    given = node.spec.inputs
    for source in [*given.parameters.values(), *given.artifacts.values()]:
        values = [getattr(source, field) for field in source.__struct_fields__]
        if sum(value is not None for value in values) != 1:
            raise ConfigError(f"pipeline spec, {where}: an input has not exactly one source")
    for parameter_source in given.parameters.values():
        if parameter_source.runtime_value:
            check_constant(parameter_source.runtime_value.constant, given.parameters, where)
    if not node.path:
        return
    missing = [
        name
        for name, parameter in node.inputs.parameters.items()
        if name not in given.parameters and parameter.default_value is None
    ]
    missing += [name for name in node.inputs.artifacts if name not in given.artifacts]
    if missing:
        raise ConfigError(
            f"pipeline spec, {where}: no value for {missing}. The local runner has no null: give "
            "the input a value or a default"
        )


def check_sources(node: Node, nodes: Mapping[str, Node], group: Definitions) -> None:
    """What a task takes from its siblings and its group is there to be taken."""
    where = f"task {node.path}"
    for key in sorted(node.after - nodes.keys()):
        raise ConfigError(f"pipeline spec, {where}: waits for an unknown task {key!r}")
    for parameter in node.spec.inputs.parameters.values():
        if status := parameter.task_final_status:
            _declared(status.producer_task, nodes, where)
        elif output := parameter.task_output_parameter:
            made = nodes[output.producer_task].outputs.parameters
            _declared(output.output_parameter_key, made, where)
        elif parameter.component_input_parameter is not None:
            _declared(parameter.component_input_parameter, group.parameters, where)
    for artifact in node.spec.inputs.artifacts.values():
        if artifact.task_output_artifact:
            made_artifacts = nodes[artifact.task_output_artifact.producer_task].outputs.artifacts
            _declared(artifact.task_output_artifact.output_artifact_key, made_artifacts, where)
        else:
            _declared(artifact.component_input_artifact or "", group.artifacts, where)


def check_outputs(outputs: DagOutputs, nodes: Mapping[str, Node], where: str) -> None:
    """What a group hands out is an output of one of its tasks."""
    for name, selectors in outputs.artifacts.items():
        if len(selectors.artifact_selectors) != 1:
            raise ConfigError(
                f"pipeline spec, {where}: output {name!r} comes from several tasks (dsl.OneOf), "
                "which the local runner does not implement"
            )
        (artifact,) = selectors.artifact_selectors
        _declared(artifact.producer_subtask, nodes, where)
        made = nodes[artifact.producer_subtask].outputs.artifacts
        _declared(artifact.output_artifact_key, made, where)
    for chosen in outputs.parameters.values():
        parameter = chosen.value_from_parameter
        _declared(parameter.producer_subtask, nodes, where)
        values = nodes[parameter.producer_subtask].outputs.parameters
        _declared(parameter.output_parameter_key, values, where)


def _declared(name: str, declared: Mapping[str, object], where: str) -> None:
    if name not in declared:
        raise ConfigError(
            f"pipeline spec, {where}: refers to {name!r}, which is not one of {sorted(declared)}"
        )
