"""The parameters of a pipeline, as people give them: `--param KEY=VALUE`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.errors import ConfigError
from pipelines.config.yaml_text import YamlFaultError, parse_yaml
from pipelines.dag.spec import parsed


def pipeline_parameters(spec: str, given: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` options as the parameters of a compiled pipeline."""
    root = parsed(spec)["root"]
    declared = root.get("inputDefinitions", {}).get("parameters", {})
    parameters = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or key not in declared:
            raise ConfigError(
                f"--param {each}: expected KEY=VALUE with a parameter of the pipeline: "
                f"{', '.join(declared) or 'it has none'}"
            )
        try:
            parameters[key], _ = parse_yaml(value)
        except YamlFaultError as fault:
            raise ConfigError(f"--param {each}: {value!r} is not a YAML value: {fault}") from None
    return parameters
