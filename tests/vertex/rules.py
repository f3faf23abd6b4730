"""What Vertex AI's reference says of names, labels, cron expressions and pipeline specs.

Everything else is refused, as the service does: a client that sends something undocumented must
fail here and not in a paid project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import available_timezones

from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.support.service import ApiError

# The client's own query parameters, beside those of a method.
SYSTEM_PARAMETERS = {"$alt"}

STATUS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def require(condition: object, message: str) -> None:
    """Refuse the request unless the condition holds."""
    if not condition:
        raise ApiError(400, message)


def parsed(body: bytes, kind: Any) -> Any:
    """The body of a request as a message; unknown fields and wrong types are refused."""
    try:
        message = json_format.Parse(body, kind.pb(kind()), ignore_unknown_fields=False)
    except json_format.ParseError as error:
        raise ApiError(400, f"Invalid JSON payload received. {error}") from error
    return kind.wrap(message)


def query_of(text: str, allowed: set[str]) -> dict[str, str]:
    """The query parameters of a request; others than the method's own are refused."""
    query = {name: values[-1] for name, values in parse_qs(text).items()}
    unknown = query.keys() - allowed - SYSTEM_PARAMETERS
    require(not unknown, f"Invalid query: unknown name {sorted(unknown)}")
    return query


def check_display_name(name: str) -> None:
    require(name, "display_name is required.")
    require(len(name) <= 128, "display_name must be at most 128 characters.")


def check_labels(labels: Mapping[str, str]) -> None:
    """At most 64; lower case letters, digits, _ and -; keys start with a letter."""
    require(len(labels) <= 64, "at most 64 labels.")
    for key, value in labels.items():
        require(re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key), f"label key {key!r} is invalid.")
        require(re.fullmatch(r"[a-z0-9_-]{0,63}", value), f"label value {value!r} is invalid.")


FIELD = r"(?:\*|\d+(?:-\d+)?)(?:/\d+)?"


def check_cron(cron: str) -> None:
    """Five fields, with an optional time zone in front."""
    fields = cron
    if match := re.match(r"(?:CRON_)?TZ=(\S+)\s+", cron):
        require(match[1] in available_timezones(), f"cron {cron!r}: unknown time zone.")
        fields = cron[match.end() :]
    require(
        len(fields.split()) == 5
        and all(re.fullmatch(f"{FIELD}(?:,{FIELD})*", field) for field in fields.split()),
        f"cron {cron!r} must have five fields: minute hour day month weekday.",
    )


def check_spec(spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """A KFP v2 spec whose executors have images, run with the parameters that it declares."""
    message = pipeline_spec_pb2.PipelineSpec()
    try:
        json_format.ParseDict(dict(spec), message, ignore_unknown_fields=False)
    except json_format.ParseError as error:
        raise ApiError(400, f"pipeline_spec: {error}") from error
    require(message.schema_version == "2.1.0", "pipeline_spec.schema_version must be 2.1.0.")
    require(message.pipeline_info.name, "pipeline_spec.pipeline_info.name is required.")
    for name, executor in spec["deploymentSpec"]["executors"].items():
        if "importer" in executor:
            require(executor["importer"].get("artifactUri"), f"importer {name} has no URI.")
            continue
        require(executor["container"].get("image"), f"executor {name} has no image.")
        check_custom_job(executor["container"])
    declared = message.root.input_definitions.parameters
    unknown = parameters.keys() - set(declared)
    require(not unknown, f"parameters {sorted(unknown)} are not declared by the pipeline.")
    needed = {
        name
        for name, definition in declared.items()
        if not definition.is_optional and not definition.HasField("default_value")
    }
    require(needed <= parameters.keys(), f"missing parameters {sorted(needed - parameters.keys())}")


def check_custom_job(container: Mapping[str, Any]) -> None:
    """What GCPC's launcher sends, once the executor input stands in it, must be a custom job."""
    if not container["command"][-1].endswith("custom_job.launcher"):
        return
    words = container["args"]
    # Escaped for the JSON text that it is put into.
    executor_input = json.dumps(json.dumps({"inputs": {"parameterValues": {"a": 'say "b"\n'}}}))
    payload = words[words.index("--payload") + 1].replace(
        "{{$.json_escape[1]}}", executor_input[1:-1]
    )
    require("{{" not in payload, "the payload of a custom job has an unknown placeholder.")
    try:
        job = json_format.Parse(payload, v1.CustomJob.pb(v1.CustomJob()))
    except json_format.ParseError as error:
        raise ApiError(400, f"payload of a custom job: {error}") from error
    require(job.job_spec.worker_pool_specs, "job_spec.worker_pool_specs is required.")
    for option in ("--project", "--location", "--gcp_resources"):
        require(words[words.index(option) + 1], f"the launcher needs {option}.")


def matches(filter_text: str, fields: Mapping[str, str]) -> bool:
    """Whether a resource passes a filter: equalities, joined by AND."""
    for part in filter(None, re.split(r"\s+AND\s+", filter_text)):
        term = re.fullmatch(r'([\w.-]+)\s*=\s*"([^"]*)"', part.strip())
        require(term, f'filter {part!r}: this double understands field="value" and AND.')
        assert term
        require(
            term[1] in fields or term[1].startswith("labels."), f"filter: no field {term[1]!r}."
        )
        if fields.get(term[1]) != term[2]:
            return False
    return True
