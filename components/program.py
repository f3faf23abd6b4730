"""The command line of a stage, as its container gets it."""

from __future__ import annotations

import json
from typing import Any

from components.interface import flag

# Says that the stage's options are not written out: the executor input has them all.
FROM_EXECUTOR_INPUT = "--from-executor-input"


def options_in(executor_input: str) -> list[str]:
    """The options that a component's command writes out, from the description of the task."""
    task = json.loads(executor_input)
    inputs, outputs = task["inputs"], task["outputs"]
    values = {name: as_word(value) for name, value in inputs.get("parameterValues", {}).items()}
    for artifacts in (inputs.get("artifacts", {}), outputs.get("artifacts", {})):
        for name, listed in artifacts.items():
            values[name] = local_path(listed["artifacts"][0]["uri"])
    return [word for name, value in values.items() for word in (flag(name), value)]


def as_word(value: Any) -> str:
    """A parameter as KFP writes it into a command."""
    return value if isinstance(value, str) else json.dumps(whole(value), ensure_ascii=False)


def whole(value: Any) -> Any:
    """Vertex AI knows no integers; whole numbers become some again."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value


def local_path(uri: str) -> str:
    """Where a task finds an artifact: Vertex AI mounts every bucket under /gcs."""
    return f"/gcs/{uri.removeprefix('gs://')}" if uri.startswith("gs://") else uri
