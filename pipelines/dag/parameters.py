"""The parameters of a pipeline, as people give them: `--param KEY=VALUE`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from components.errors import ConfigError
from pipelines.config.yaml_file import yaml_value


def pipeline_parameters(spec: str, given: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` options as the parameters of a compiled pipeline."""
    root = yaml.safe_load(spec)["root"]
    declared = root.get("inputDefinitions", {}).get("parameters", {})
    parameters = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or key not in declared:
            raise ConfigError(
                f"--param {each}: expected KEY=VALUE with a parameter of the pipeline: "
                f"{', '.join(declared) or 'it has none'}"
            )
        parameters[key] = yaml_value(value)
    return parameters
