"""What the reference of Kubeflow Pipelines' v2beta1 API says of requests; the rest is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import kfp_server_api as api
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.support.service import ApiError

NEVER = "1970-01-01T00:00:00Z"
FIELD = r"(?:\*|\?|\d+(?:-\d+)?)(?:/\d+)?"


def require(condition: object, message: str) -> None:
    """Refuse the request unless the condition holds."""
    if not condition:
        raise ApiError(400, message)


def query_of(text: str, allowed: set[str]) -> dict[str, str]:
    """The query parameters of a request; others than the method's own are refused."""
    query = {name: values[-1] for name, values in parse_qs(text).items()}
    require(query.keys() <= allowed, f"unknown query {sorted(query.keys() - allowed)}")
    return query


def parsed(body: bytes, kind: Any, output_only: set[str]) -> dict[str, Any]:
    """The body of a request; unknown fields, wrong types and output-only fields are refused."""
    message: dict[str, Any] = json.loads(body)
    check_fields(message, kind, kind.__name__)
    given = output_only & {key for key, value in message.items() if value is not None}
    require(not given, f"{sorted(given)} are output only.")
    return message


def check_fields(message: Mapping[str, Any], kind: Any, path: str) -> None:
    """Refuse fields that a message of the API does not have, and strings that are none."""
    fields = {kind.attribute_map[name]: type_ for name, type_ in kind.openapi_types.items()}
    for key, value in message.items():
        require(key in fields, f"{path}: unknown field {key!r}.")
        inner = getattr(api, fields[key], None)
        if isinstance(value, dict) and inner is not None:
            check_fields(value, inner, f"{path}.{key}")
        if fields[key] == "str":
            require(isinstance(value, str), f"{path}.{key} must be a string.")


def check_package(package: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """A spec, alone or beside a platform's; run with the parameters that it declares."""
    spec = package.get("pipeline_spec", package)
    message = pipeline_spec_pb2.PipelineSpec()
    platform = pipeline_spec_pb2.PlatformSpec()
    try:
        json_format.ParseDict(dict(spec), message)
        json_format.ParseDict(dict(package.get("platform_spec", {})), platform)
    except json_format.ParseError as error:
        raise ApiError(400, f"pipeline_spec: {error}") from error
    require(message.schema_version == "2.1.0", "pipeline_spec.schemaVersion must be 2.1.0.")
    executors = spec["deploymentSpec"]["executors"]
    check_platform(package.get("platform_spec", {}), set(executors))
    declared = message.root.input_definitions.parameters
    require(parameters.keys() <= set(declared), f"unknown parameters in {sorted(parameters)}")


def check_platform(spec: Mapping[str, Any], executors: set[str]) -> None:
    """What KubernetesExecutorConfig knows of a mounted volume, for executors that there are."""
    kubernetes = spec.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
    for executor, config in kubernetes.get("executors", {}).items():
        require(executor in executors, f"platform_spec: no executor {executor!r}.")
        require(config.keys() == {"pvcMount"}, f"platform_spec: {executor}: {sorted(config)}.")
        for mount in config["pvcMount"]:
            known = {"mountPath", "constant", "pvcNameParameter"}
            require(mount.keys() <= known, f"platform_spec: {executor}: {sorted(mount)}.")
            require(mount["mountPath"].startswith("/"), "mountPath must be absolute.")


def check_cron(cron: str) -> None:
    """Six fields, seconds first, without a time zone."""
    fields = cron.split()
    require(
        len(fields) == 6 and all(re.fullmatch(f"{FIELD}(?:,{FIELD})*", each) for each in fields),
        f"Schedule cron is not a supported format: {cron!r} must have six fields.",
    )


def matching(text: str, messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages that pass a filter: predicates on strings, all of which must hold."""
    predicates = json.loads(text)["predicates"] if text else []
    for message in messages:
        if all(holds(predicate, message) for predicate in predicates):
            yield message


def holds(predicate: Mapping[str, str], message: Mapping[str, Any]) -> bool:
    """Whether a message has what a predicate asks."""
    known = {"operation", "key", "string_value"}
    require(predicate.keys() == known, f"filter: {sorted(predicate)} is not {sorted(known)}.")
    require(predicate["key"] in ("display_name",), f"filter: no key {predicate['key']!r}.")
    value, wanted = message[predicate["key"]], predicate["string_value"]
    require(predicate["operation"] in ("EQUALS", "IS_SUBSTRING"), "filter: unknown operation.")
    return wanted == value if predicate["operation"] == "EQUALS" else wanted in value


def page_of(messages: list[dict[str, Any]], field: str, query: Mapping[str, str]) -> dict[str, Any]:
    """One message a page: a client that reads only the first page must fail."""
    size = int(query.get("page_size") or 20)
    require(0 < size <= 200, "page_size must be at most 200.")
    start = int(query.get("page_token") or 0)
    more = str(start + 1) if start + 1 < len(messages) else ""
    return {field: messages[start : start + 1], "next_page_token": more}
