"""A pipeline spec as a graph of tasks, checked whole before the first of them runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.errors import ConfigError
from pipelines.runner.conditions import Comparison, parse
from pipelines.runner.placeholders import check_constant, check_placeholders
from pipelines.runner.spec import (
    SCHEMA_VERSION,
    ComponentRef,
    ComponentSpec,
    Container,
    DagOutputs,
    DagSpec,
    Definitions,
    Executor,
    Header,
    RetryPolicy,
    TaskSpec,
    convert,
    seconds,
)

ROOT = "root"


@dataclass(frozen=True)
class Dag:
    """A (sub-)pipeline: its tasks by their key in the spec, and what it hands out."""

    nodes: Mapping[str, Node]
    outputs: DagOutputs


@dataclass(frozen=True)
class Node:
    """One task of the spec: a command, or a group of tasks (sub-pipeline or condition).

    Attributes:
        path: labels from the top, "phase-1/train".
        after: keys of the sibling tasks that must have ended first.
        cached: whether the outputs may be reused from an earlier run.
    """

    key: str
    path: str
    spec: TaskSpec
    inputs: Definitions
    outputs: Definitions
    body: Container | Dag
    after: frozenset[str]
    conditions: list[Comparison]
    cached: bool

    def leaves(self) -> Iterator[Node]:
        """The commands in this node, each after those that it waits for."""
        if isinstance(self.body, Container):
            yield self
            return
        for node in self.body.nodes.values():
            yield from node.leaves()


def read_spec(spec: Mapping[str, Any]) -> Node:
    """Read a pipeline spec (the parsed YAML of the compiler) into its root node.

    Raises:
        ConfigError: names the part of the spec that is malformed or not implemented.
    """
    return _Reader(spec).root()


class _Reader:
    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.header = convert(dict(spec), Header, "top level")
        if self.header.schema_version != SCHEMA_VERSION:
            raise ConfigError(
                f"pipeline spec: schemaVersion is {self.header.schema_version!r}; "
                f"this runner reads {SCHEMA_VERSION} (kfp 2.x)"
            )
        unknown = set(self.header.deployment_spec) - {"executors"}
        if unknown:
            raise ConfigError(f"pipeline spec, deploymentSpec: {sorted(unknown)} not implemented")

    def root(self) -> Node:
        component = convert(self.header.root, ComponentSpec, ROOT)
        spec = TaskSpec(component_ref=ComponentRef(ROOT))
        node = self._node(ROOT, "", spec, component, cached=True)
        if not isinstance(node.body, Dag):
            raise ConfigError("pipeline spec, root: it has no dag")
        return node

    def _node(
        self, key: str, path: str, spec: TaskSpec, component: ComponentSpec, cached: bool
    ) -> Node:
        where = f"task {path}" if path else ROOT
        node = Node(
            key=key,
            path=path,
            spec=spec,
            inputs=component.input_definitions,
            outputs=component.output_definitions,
            body=self._body(component, path, where, cached),
            after=_upstream(spec),
            conditions=_conditions(spec, where),
            cached=cached,
        )
        _check_inputs(node, where)
        return node

    def _body(
        self, component: ComponentSpec, path: str, where: str, cached: bool
    ) -> Container | Dag:
        if component.dag is not None:
            return self._dag(component.dag, path, where, cached)
        executors = self.header.deployment_spec.get("executors", {})
        raw = executors.get(component.executor_label or "")
        if raw is None:
            raise ConfigError(f"pipeline spec, {where}: no executor {component.executor_label!r}")
        container = convert(raw, Executor, f"{where}, executor").container
        check_placeholders(
            [*container.command, *container.args],
            component.input_definitions,
            component.output_definitions,
            where,
        )
        return container

    def _dag(self, raw: dict[str, Any], parent: str, where: str, cached: bool) -> Dag:
        dag = convert(raw, DagSpec, f"{where}, dag")
        specs = {
            key: convert(task, TaskSpec, f"{where}, task {key}") for key, task in dag.tasks.items()
        }
        nodes = {}
        for key, label in _labels(specs).items():
            spec = specs[key]
            reference = spec.component_ref.name
            if reference not in self.header.components:
                raise ConfigError(f"pipeline spec, task {key}: no component {reference!r}")
            component = convert(
                self.header.components[reference], ComponentSpec, f"component {reference}"
            )
            _check_group(spec, component, f"task {key}")
            own = spec.caching_options
            nodes[key] = self._node(
                key,
                f"{parent}/{label}" if parent else label,
                spec,
                component,
                cached=cached and (own.enable_cache if own else component.dag is not None),
            )
        _check_dag(nodes, dag.outputs, where)
        return Dag(nodes=_in_order(nodes, where), outputs=dag.outputs)


def _labels(specs: Mapping[str, TaskSpec]) -> dict[str, str]:
    """Task key -> the name that people gave it, or the key where that is no good folder name."""
    names = {key: spec.task_info.name if spec.task_info else key for key, spec in specs.items()}
    used = Counter(names.values())
    return {
        key: name if used[name] == 1 and re.fullmatch(r"\w[\w .-]*", name) else key
        for key, name in names.items()
    }


def _upstream(spec: TaskSpec) -> frozenset[str]:
    sources = [source.task_output_parameter for source in spec.inputs.parameters.values()]
    artifacts = [source.task_output_artifact for source in spec.inputs.artifacts.values()]
    producers = {source.producer_task for source in [*sources, *artifacts] if source}
    return frozenset(producers | set(spec.dependent_tasks))


def _conditions(spec: TaskSpec, where: str) -> list[Comparison]:
    try:
        comparisons = parse(spec.trigger_policy.condition)
    except ConfigError as error:
        raise ConfigError(f"pipeline spec, {where}: {error}") from error
    for comparison in comparisons:
        for name in comparison.inputs():
            if name not in spec.inputs.parameters:
                raise ConfigError(f"pipeline spec, {where}: its condition reads no input {name!r}")
    return comparisons


def _check_group(spec: TaskSpec, component: ComponentSpec, where: str) -> None:
    if (component.dag is None) == (component.executor_label is None):
        raise ConfigError(f"pipeline spec, {where}: needs either a dag or an executorLabel")
    if component.dag is not None and spec.retry_policy != RetryPolicy():
        raise ConfigError(
            f"pipeline spec, {where}: retryPolicy of a group of tasks is not implemented; "
            "set retries on the tasks in it"
        )
    seconds(spec.retry_policy.backoff_duration)
    seconds(spec.retry_policy.backoff_max_duration)


def _check_inputs(node: Node, where: str) -> None:
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


def _check_dag(nodes: Mapping[str, Node], outputs: DagOutputs, where: str) -> None:
    for node in nodes.values():
        for key in sorted(node.after - nodes.keys()):
            raise ConfigError(f"pipeline spec, task {node.path}: waits for an unknown task {key!r}")
    for name, selectors in outputs.artifacts.items():
        if len(selectors.artifact_selectors) != 1:
            raise ConfigError(
                f"pipeline spec, {where}: output {name!r} comes from several tasks (dsl.OneOf), "
                "which the local runner does not implement"
            )


def _in_order(nodes: Mapping[str, Node], where: str) -> dict[str, Node]:
    """The nodes so that each comes after those that it waits for; the spec sorts them by key."""
    ordered: dict[str, Node] = {}
    while len(ordered) < len(nodes):
        left = {key: node for key, node in nodes.items() if key not in ordered}
        ready = {key: node for key, node in left.items() if node.after <= ordered.keys()}
        if not ready:
            raise ConfigError(f"pipeline spec, {where}: tasks {list(left)} wait for each other")
        ordered |= ready
    return ordered
