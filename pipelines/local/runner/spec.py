"""The parts of a compiled KFP pipeline spec that the local runner implements.

Each is a type with exactly the fields that are implemented. Whatever else a spec holds (a
ParallelFor…) is refused by name, so that nothing is run in another way than Vertex AI or Kubeflow
would run it.

Format: https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeVar

import msgspec

from components.errors import ConfigError

SCHEMA_VERSION = "2.1.0"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A message of the spec; a field that is not listed is one that we do not implement."""


class ArtifactType(Part, frozen=True):
    schema_title: str
    schema_version: str = "0.0.1"


class ArtifactDefinition(Part, frozen=True):
    artifact_type: ArtifactType
    is_optional: bool = False
    description: str = ""


ParameterType = Literal[
    "STRING",
    "NUMBER_INTEGER",
    "NUMBER_DOUBLE",
    "BOOLEAN",
    "LIST",
    "STRUCT",
    "TASK_FINAL_STATUS",
]


class ParameterDefinition(Part, frozen=True):
    parameter_type: ParameterType
    default_value: Any = None
    is_optional: bool = False
    description: str = ""


class Definitions(Part, frozen=True):
    """The declared inputs or outputs of a component."""

    parameters: dict[str, ParameterDefinition] = {}
    artifacts: dict[str, ArtifactDefinition] = {}


class OutputOf(Part, frozen=True):
    producer_task: str
    output_parameter_key: str


class FinalStatusOf(Part, frozen=True):
    producer_task: str


class RuntimeValue(Part, frozen=True):
    constant: Any


class ParameterSource(Part, frozen=True):
    """Where a task's input parameter comes from: exactly one of the four."""

    task_output_parameter: OutputOf | None = None
    task_final_status: FinalStatusOf | None = None
    runtime_value: RuntimeValue | None = None
    component_input_parameter: str | None = None


class ArtifactOutputOf(Part, frozen=True):
    producer_task: str
    output_artifact_key: str


class ArtifactSource(Part, frozen=True):
    """Where a task's input artifact comes from: exactly one of the two."""

    task_output_artifact: ArtifactOutputOf | None = None
    component_input_artifact: str | None = None


class TaskInputs(Part, frozen=True):
    parameters: dict[str, ParameterSource] = {}
    artifacts: dict[str, ArtifactSource] = {}


class TaskInfo(Part, frozen=True):
    name: str


class ComponentRef(Part, frozen=True):
    name: str


class CachingOptions(Part, frozen=True):
    enable_cache: bool = False


Strategy = Literal[
    "TRIGGER_STRATEGY_UNSPECIFIED", "ALL_UPSTREAM_TASKS_SUCCEEDED", "ALL_UPSTREAM_TASKS_COMPLETED"
]


class TriggerPolicy(Part, frozen=True):
    condition: str = ""
    strategy: Strategy = "ALL_UPSTREAM_TASKS_SUCCEEDED"


class RetryPolicy(Part, frozen=True):
    """KFP's defaults; durations are seconds with an `s`: "60s"."""

    max_retry_count: int = 0
    backoff_duration: str = "0s"
    backoff_factor: float = 2.0
    backoff_max_duration: str = "3600s"

    def pause(self, attempt: int) -> float:
        """Seconds to wait after this attempt (counted from 1) has failed."""
        wait = seconds(self.backoff_duration) * self.backoff_factor ** (attempt - 1)
        return float(min(wait, seconds(self.backoff_max_duration)))


class TaskSpec(Part, frozen=True):
    component_ref: ComponentRef
    task_info: TaskInfo | None = None
    inputs: TaskInputs = TaskInputs()
    dependent_tasks: list[str] = []
    caching_options: CachingOptions | None = None
    trigger_policy: TriggerPolicy = TriggerPolicy()
    retry_policy: RetryPolicy = RetryPolicy()


class ArtifactSelector(Part, frozen=True):
    producer_subtask: str
    output_artifact_key: str


class ArtifactSelectors(Part, frozen=True):
    artifact_selectors: list[ArtifactSelector]


class ParameterSelector(Part, frozen=True):
    producer_subtask: str
    output_parameter_key: str


class ParameterSelectors(Part, frozen=True):
    value_from_parameter: ParameterSelector


class DagOutputs(Part, frozen=True):
    artifacts: dict[str, ArtifactSelectors] = {}
    parameters: dict[str, ParameterSelectors] = {}


class EnvironmentVariable(Part, frozen=True):
    name: str
    value: str = ""


class Container(Part, frozen=True):
    """A command in an image. `resources` is for machines in a cloud; this machine is as it is."""

    image: str
    command: list[str] = []
    args: list[str] = []
    env: list[EnvironmentVariable] = []
    resources: dict[str, Any] = {}


class Header(Part, frozen=True):
    """The top of a spec; its big parts are read one by one, so that errors name them."""

    pipeline_info: dict[str, str]
    root: dict[str, Any]
    components: dict[str, dict[str, Any]] = {}
    deployment_spec: dict[str, dict[str, dict[str, Any]]] = {}
    schema_version: str = ""
    sdk_version: str = ""
    default_pipeline_root: str = ""


class ComponentSpec(Part, frozen=True):
    input_definitions: Definitions = Definitions()
    output_definitions: Definitions = Definitions()
    executor_label: str | None = None
    dag: dict[str, Any] | None = None


class DagSpec(Part, frozen=True):
    tasks: dict[str, dict[str, Any]]
    outputs: DagOutputs = DagOutputs()


class UriSource(Part, frozen=True):
    """Where an importer finds its URI: in its input parameter of this name."""

    runtime_parameter: str


class Importer(Part, frozen=True):
    """Makes an artifact of what lies at a URI already (dsl.importer); it runs nothing.

    Only `reimport=False` is implemented: the same URI is the same artifact.
    """

    artifact_uri: UriSource
    type_schema: ArtifactType


class Executor(Part, frozen=True):
    container: Container | None = None
    importer: Importer | None = None


_Part = TypeVar("_Part")


def convert(raw: object, kind: type[_Part], where: str) -> _Part:
    """Read a part of a spec into its type.

    Raises:
        ConfigError: it is malformed, or has a field that is not implemented; `where` is named.
    """
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"pipeline spec, {where}: {error}. "
            "The local runner refuses what it does not implement; nothing was run."
        ) from error


def seconds(duration: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", duration)
    if not match:
        raise ConfigError(f"pipeline spec: {duration!r} is not a duration such as '60s'")
    return float(match[1])
