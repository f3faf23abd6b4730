"""The graph of a pipeline: its tasks, and groups of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.local.runner.conditions import Comparison
from pipelines.local.runner.spec import Container, DagOutputs, Definitions, Importer, TaskSpec


@dataclass(frozen=True)
class Dag:
    """A (sub-)pipeline: its tasks by their key in the spec, and what it hands out."""

    nodes: Mapping[str, Node]
    outputs: DagOutputs


@dataclass(frozen=True)
class Elsewhere:
    """What only Vertex AI itself can do; `why` says so to people."""

    why: str


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
    body: Container | Dag | Elsewhere | Importer
    after: frozenset[str]
    conditions: list[Comparison]
    cached: bool

    def leaves(self) -> Iterator[Node]:
        """The single tasks in this node, each after those that it waits for; importers are none."""
        if not isinstance(self.body, Dag):
            if not isinstance(self.body, Importer):
                yield self
            return
        for node in self.body.nodes.values():
            yield from node.leaves()

    @property
    def takes_final_status(self) -> bool:
        """Whether it is given how another node ended (dsl.PipelineTaskFinalStatus)."""
        return any(source.task_final_status for source in self.spec.inputs.parameters.values())

    @property
    def only_ordered(self) -> bool:
        """Whether it begins after others however they end, and takes nothing from them."""
        given = self.spec.inputs
        takes = any(
            source.task_output_parameter or source.task_final_status
            for source in given.parameters.values()
        ) or any(source.task_output_artifact for source in given.artifacts.values())
        whatever = self.spec.trigger_policy.strategy == "ALL_UPSTREAM_TASKS_COMPLETED"
        return whatever and not takes
