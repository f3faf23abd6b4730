"""The config as a JSON Schema, so that editors complete and check it while it is written."""

from __future__ import annotations

from typing import Any

from pipelines.config.schema import Pipeline

FILE_NAME = "retrain.schema.json"


def json_schema() -> dict[str, Any]:
    """The schema of a config file, JSON Schema 2020-12.

    No key below the top is required: `defaults` or the file that `extends` names may have it.
    `retrain check` knows more than any schema says.
    """
    schema = Pipeline.model_json_schema()
    models = schema["$defs"]
    for model in models.values():
        model.pop("required", None)
    # A path alone stands for a source.
    models["Source"] = {"anyOf": [{"type": "string"}, models["Source"]]}
    keys = schema["properties"]
    keys["extends"] = {"type": "string", "description": "a config in the same folder, under this"}
    keys["defaults"] = {"$ref": "#/$defs/Phase", "description": "what every phase has"}
    # A phase that takes everything from the defaults is empty.
    keys["phases"] = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"anyOf": [{"$ref": "#/$defs/Phase"}, {"type": "null"}]},
    }
    del schema["required"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "A config of retrain",
        "anyOf": [{"required": ["name", "phases"]}, {"required": ["extends"]}],
    }
