"""KFP's placeholders: `{{$}}`, `{{$.inputs.parameters['x']}}` and the others in commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from components.errors import ConfigError
from components.program import local_path
from pipelines.local.runner.spec import Definitions

_PLACEHOLDER = re.compile(r"\{\{\$(.*?)\}\}")
_INPUT_PARAMETER = re.compile(r"\.inputs\.parameters\['([^']+)'\]")
_OUTPUT_PARAMETER = re.compile(r"\.outputs\.parameters\['([^']+)'\]\.output_file")
_INPUT_ARTIFACT = re.compile(r"\.inputs\.artifacts\['([^']+)'\]\.(?:path|uri|metadata)")
_OUTPUT_ARTIFACT = re.compile(r"\.outputs\.artifacts\['([^']+)'\]\.(?:path|uri)")
# What differs from run to run, not in what a task does: left out of the cache's keys.
RUN_PLACEHOLDERS = (
    ".pipeline_job_name",
    ".pipeline_job_resource_name",
    ".pipeline_job_uuid",
    ".pipeline_root",
    ".pipeline_task_name",
    ".pipeline_task_uuid",
)
_WHOLE = ("", ".outputs.output_file")


def check_placeholders(
    words: Iterable[str], inputs: Definitions, outputs: Definitions, where: str
) -> None:
    """Refuse what `fill` cannot put a value in place of.

    Raises:
        ConfigError: an unknown placeholder, or one of an input or output that is not declared.
    """
    declared: list[tuple[re.Pattern[str], Iterable[str]]] = [
        (_INPUT_PARAMETER, inputs.parameters),
        (_OUTPUT_PARAMETER, outputs.parameters),
        (_INPUT_ARTIFACT, inputs.artifacts),
        (_OUTPUT_ARTIFACT, outputs.artifacts),
    ]
    for word in words:
        if re.match(r'\{"(?:IfPresent|Concat)":', word):
            raise ConfigError(
                f"pipeline spec, {where}: dsl.IfPresentPlaceholder and dsl.ConcatPlaceholder are "
                "not implemented by the local runner; use an f-string or a default value"
            )
        for text in _PLACEHOLDER.findall(word):
            matches = ((pattern.fullmatch(text), names) for pattern, names in declared)
            known = text in (*_WHOLE, *RUN_PLACEHOLDERS) or any(
                match and match[1] in set(names) for match, names in matches
            )
            if not known:
                raise ConfigError(
                    f"pipeline spec, {where}: the placeholder {{{{${text}}}}} is not implemented "
                    "by the local runner, or names no declared input or output"
                )


def check_constant(value: Any, names: Iterable[str], where: str) -> None:
    """Refuse a constant that quotes anything but the task's other inputs or the run's identity."""
    known = {f".inputs.parameters['{name}']" for name in names} | set(RUN_PLACEHOLDERS)
    for text in _PLACEHOLDER.findall(json.dumps(value, ensure_ascii=False)):
        if text not in known:
            raise ConfigError(
                f"pipeline spec, {where}: the placeholder {{{{${text}}}}} in a constant is not "
                "implemented by the local runner"
            )


def fill(word: str, values: Mapping[str, str]) -> str:
    """Put values in place of placeholders; `values` maps ".pipeline_job_name" and so on.

    A placeholder without a value stays as it is (a value may quote one: text is never refused).
    """
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), word)


def fill_deep(value: Any, values: Mapping[str, str]) -> Any:
    """`fill` for every text in a JSON value."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [fill_deep(item, values) for item in value]
    if isinstance(value, dict):
        return {fill(key, values): fill_deep(item, values) for key, item in value.items()}
    return value


def references(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Placeholder -> text for input parameters."""
    return {f".inputs.parameters['{name}']": as_text(value) for name, value in parameters.items()}


def executor_input_values(executor_input: Mapping[str, Any]) -> dict[str, str]:
    """Placeholder -> text for everything that an executor input holds, itself included."""
    inputs, outputs = executor_input["inputs"], executor_input["outputs"]
    values = references(inputs["parameterValues"])
    for name, parameter in outputs["parameters"].items():
        values[f".outputs.parameters['{name}'].output_file"] = parameter["outputFile"]
    for split, ports in (("inputs", inputs), ("outputs", outputs)):
        for name, listed in ports["artifacts"].items():
            (artifact,) = listed["artifacts"]
            prefix = f".{split}.artifacts['{name}']"
            values[f"{prefix}.uri"] = artifact["uri"]
            values[f"{prefix}.path"] = local_path(artifact["uri"])
            values[f"{prefix}.metadata"] = as_text(artifact["metadata"])
    values[".outputs.output_file"] = outputs["outputFile"]
    values[""] = as_text(executor_input)
    return values


def as_text(value: Any) -> str:
    """A parameter as a command-line argument, as KFP's back ends write it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
