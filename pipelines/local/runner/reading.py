"""Reading a pipeline spec into a graph, checked whole before the first of its tasks runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from components.errors import ConfigError
from pipelines.local.runner.checks import check_inputs, check_outputs, check_retries
from pipelines.local.runner.conditions import Comparison, parse
from pipelines.local.runner.graph import Dag, Elsewhere, Node
from pipelines.local.runner.placeholders import check_placeholders
from pipelines.local.runner.spec import (
    SCHEMA_VERSION,
    ComponentRef,
    ComponentSpec,
    Container,
    DagSpec,
    Definitions,
    Executor,
    Header,
    Importer,
    TaskSpec,
    convert,
)
from pipelines.local.runner.vertex_only import here

ROOT = "root"


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
        used = Counter(leaf.path for leaf in node.leaves())
        if twice := sorted(path for path, times in used.items() if times > 1):
            raise ConfigError(f"pipeline spec: several tasks go by the name {', '.join(twice)}")
        return node

    def _node(
        self, key: str, path: str, spec: TaskSpec, component: ComponentSpec, cached: bool
    ) -> Node:
        where = f"task {path}" if path else ROOT
        body, outputs = self._body(component, path, where, cached)
        node = Node(
            key=key,
            path=path,
            spec=spec,
            inputs=component.input_definitions,
            outputs=outputs,
            body=body,
            after=_upstream(spec),
            conditions=_conditions(spec, where),
            cached=cached,
        )
        check_inputs(node, where)
        return node

    def _body(
        self, component: ComponentSpec, path: str, where: str, cached: bool
    ) -> tuple[Container | Dag | Elsewhere | Importer, Definitions]:
        """What a task is, and the outputs that it has here."""
        outputs = component.output_definitions
        if component.dag is not None:
            return self._dag(component, path, where, cached), outputs
        raw = self.header.deployment_spec["executors"][component.executor_label or ""]
        executor = convert(raw, Executor, f"{where}, executor")
        if executor.importer:
            return executor.importer, outputs
        if executor.container is None:
            raise ConfigError(f"pipeline spec, {where}, executor: neither container nor importer")
        body, outputs = here(executor.container, outputs, where)
        if isinstance(body, Container):
            words = [*body.command, *body.args]
            check_placeholders(words, component.input_definitions, outputs, where)
        return body, outputs

    def _dag(self, group: ComponentSpec, parent: str, where: str, cached: bool) -> Dag:
        dag = convert(group.dag, DagSpec, f"{where}, dag")
        specs = {
            key: convert(task, TaskSpec, f"{where}, task {key}") for key, task in dag.tasks.items()
        }
        nodes = {}
        for key, label in _labels(specs).items():
            spec = specs[key]
            reference = spec.component_ref.name
            component = convert(
                self.header.components[reference], ComponentSpec, f"component {reference}"
            )
            check_retries(spec, component.dag is not None, f"task {key}")
            own = spec.caching_options
            # A condition is no place of its own: its tasks go by the name of where it stands.
            condition = bool(spec.trigger_policy.condition) and component.dag is not None
            nodes[key] = self._node(
                key,
                parent if condition else f"{parent}/{label}" if parent else label,
                spec,
                component,
                cached=cached and (own.enable_cache if own else component.dag is not None),
            )
        check_outputs(dag.outputs, where)
        return Dag(nodes=_in_order(nodes), outputs=dag.outputs)


def _labels(specs: Mapping[str, TaskSpec]) -> dict[str, str]:
    """Task key -> the name that people gave it, or the key where that is no good folder name."""
    names = {key: spec.task_info.name if spec.task_info else key for key, spec in specs.items()}
    used = Counter(names.values())
    return {
        key: name if used[name] == 1 and re.fullmatch(r"\w[\w .-]*", name) else key
        for key, name in names.items()
    }


def _upstream(spec: TaskSpec) -> frozenset[str]:
    sources = [
        source.task_output_parameter or source.task_final_status
        for source in spec.inputs.parameters.values()
    ]
    artifacts = [source.task_output_artifact for source in spec.inputs.artifacts.values()]
    producers = {source.producer_task for source in [*sources, *artifacts] if source}
    return frozenset(producers | set(spec.dependent_tasks))


def _conditions(spec: TaskSpec, where: str) -> list[Comparison]:
    try:
        comparisons = parse(spec.trigger_policy.condition)
    except ConfigError as error:
        raise ConfigError(f"pipeline spec, {where}: {error}") from error
    return comparisons


def _in_order(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """The nodes so that each comes after those that it waits for; the spec sorts them by key."""
    ordered: dict[str, Node] = {}
    while len(ordered) < len(nodes):
        left = {key: node for key, node in nodes.items() if key not in ordered}
        ready = {key: node for key, node in left.items() if node.after <= ordered.keys()}
        ordered |= ready
    return ordered
