"""Values on their way through the graph: from pipeline inputs and tasks to tasks and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.errors import ConfigError
from components.program import whole
from pipelines.local.runner.graph import Dag, Node
from pipelines.local.runner.placeholders import fill_deep, references
from pipelines.local.runner.spec import ParameterType
from pipelines.local.runs import Artifact, State

_TYPES: dict[ParameterType, type] = {
    "STRING": str,
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
    "TASK_FINAL_STATUS": dict,
}
_FINAL_STATES: dict[State, str] = {
    "succeeded": "SUCCEEDED",
    "reused": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}


@dataclass(frozen=True)
class Values:
    """Parameters and artifacts: the inputs or the outputs of a task or group."""

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a node ended and what it made; `error` says why it failed."""

    state: State
    outputs: Values = field(default_factory=Values)
    error: str = ""

    @property
    def well(self) -> bool:
        return self.state in ("succeeded", "reused")


class MissingInputError(Exception):
    """An input's producer made no such output, since it was skipped or failed."""


@dataclass
class Scope:
    """A group whose tasks may run: its inputs, and how far its nodes are."""

    node: Node
    parent: Scope | None
    inputs: Values
    begun: set[str] = field(default_factory=set)
    ended: dict[str, Ended] = field(default_factory=dict)

    @property
    def nodes(self) -> Mapping[str, Node]:
        assert isinstance(self.node.body, Dag)
        return self.node.body.nodes

    @property
    def complete(self) -> bool:
        """Whether every node has ended."""
        return len(self.ended) == len(self.nodes)

    def ready(self) -> list[Node]:
        """Nodes that nothing keeps from beginning."""
        return [
            node
            for key, node in self.nodes.items()
            if key not in self.begun and node.after <= self.ended.keys()
        ]

    def blocked(self, node: Node) -> State | None:
        """The state in which a ready node ends without running, given how others ended."""
        if node.spec.trigger_policy.strategy == "ALL_UPSTREAM_TASKS_COMPLETED":
            return None
        states = [self.ended[key].state for key in node.after if not self.ended[key].well]
        if not states:
            return None
        return "skipped" if set(states) == {"skipped"} else "not-run"

    def inputs_of(self, node: Node) -> Values:
        """Values for the inputs of a ready node.

        Raises:
            MissingInputError: one that has no default was not produced.
        """
        values = Values()
        given = node.spec.inputs
        for name, source in given.artifacts.items():
            if source.task_output_artifact:
                made = self.ended[source.task_output_artifact.producer_task].outputs.artifacts
                key = source.task_output_artifact.output_artifact_key
            else:
                made, key = self.inputs.artifacts, source.component_input_artifact or ""
            values.artifacts[name] = _take(made, key, name)
        for name, definition in node.inputs.parameters.items():
            if definition.default_value is not None:
                values.parameters[name] = whole(definition.default_value)
        self._pass_parameters(node, values)
        for name, value in values.parameters.items():
            if name in node.inputs.parameters:
                kind = node.inputs.parameters[name].parameter_type
                values.parameters[name] = typed(value, kind, f"input {name!r}")
        return values

    def _pass_parameters(self, node: Node, values: Values) -> None:
        constants = {}
        for name, source in node.spec.inputs.parameters.items():
            if source.runtime_value:
                constants[name] = whole(source.runtime_value.constant)
                continue
            if source.task_final_status:
                key = source.task_final_status.producer_task
                values.parameters[name] = final_status(self.nodes[key], self.ended[key])
                continue
            if source.task_output_parameter:
                made = self.ended[source.task_output_parameter.producer_task].outputs.parameters
                key = source.task_output_parameter.output_parameter_key
            else:
                made, key = self.inputs.parameters, source.component_input_parameter or ""
            if key in made or name not in values.parameters:
                values.parameters[name] = _take(made, key, name)
        # A constant may quote the other inputs: f"{model}-{suffix}".
        quoted = references(values.parameters)
        for name, constant in constants.items():
            values.parameters[name] = fill_deep(constant, quoted)

    def outcome(self) -> Ended:
        """How the group ended, once all its nodes have: what it surfaces of theirs."""
        assert isinstance(self.node.body, Dag)
        ends = self.ended.values()
        bad = [end.state for end in ends if not end.well and end.state != "skipped"]
        outputs = Values()
        for name, selectors in self.node.body.outputs.artifacts.items():
            (artifact,) = selectors.artifact_selectors
            made = self.ended[artifact.producer_subtask].outputs.artifacts
            if artifact.output_artifact_key in made:
                outputs.artifacts[name] = made[artifact.output_artifact_key]
        for name, chosen in self.node.body.outputs.parameters.items():
            parameter = chosen.value_from_parameter
            values = self.ended[parameter.producer_subtask].outputs.parameters
            if parameter.output_parameter_key in values:
                outputs.parameters[name] = values[parameter.output_parameter_key]
        if not bad:
            return Ended("succeeded", outputs)
        error = " ".join(end.error for end in ends if end.error)
        return Ended("failed" if "failed" in bad else bad[0], outputs, error)


def final_status(node: Node, ended: Ended) -> dict[str, Any]:
    """How a node ended, as KFP tells it a task that asks (dsl.PipelineTaskFinalStatus)."""
    return {
        "state": _FINAL_STATES.get(ended.state, "NOT_TRIGGERED"),
        "pipelineJobResourceName": "{{$.pipeline_job_resource_name}}",
        "pipelineTaskName": node.key,
        "error": {"code": 9, "message": ended.error} if ended.error else {},
    }


def typed(value: Any, kind: ParameterType, where: str) -> Any:
    """A parameter as its declared type.

    Raises:
        ConfigError: it is not one.
    """
    if kind in _TYPES and isinstance(value, _TYPES[kind]):
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "NUMBER_DOUBLE" and number:
        return value
    if kind == "NUMBER_INTEGER" and number and float(value).is_integer():
        return int(value)
    raise ConfigError(f"{where}: expected {kind}, got {value!r}")


def _take(made: Mapping[str, Any], key: str, name: str) -> Any:
    if key not in made:
        raise MissingInputError(f"its input {name!r} was not produced")
    return made[key]
