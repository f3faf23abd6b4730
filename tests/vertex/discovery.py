"""Google's own description of its APIs, as google-api-python-client carries it.

Every request and every answer of these tests is held against it: methods, query parameters, fields,
types, enumerations, and fields that only the service may set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

DOCUMENTS = {
    "aiplatform.googleapis.com": "aiplatform.v1",
    "cloudresourcemanager.googleapis.com": "cloudresourcemanager.v1",
    "iam.googleapis.com": "iam.v1",
    "serviceusage.googleapis.com": "serviceusage.v1",
    "storage.googleapis.com": "storage.v1",
}
VERTEX = "aiplatform.googleapis.com"
# Also "alt"; with enum-encoding=int the clients send numbers for enumerations.
ALT = "$alt"


@cache
def described(host: str, beta: bool) -> tuple[dict[str, Any], list[tuple[Any, dict[str, Any]]]]:
    """The description of the API at a host, and its methods by what "VERB path" looks like."""
    name = DOCUMENTS[host] + ("beta1" if beta else "")
    folder = files("googleapiclient") / "discovery_cache" / "documents"
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return content, [
        (re.compile(f"{method['httpMethod']} {pattern_of(content['servicePath'], method)}"), method)
        for method in methods(content)
    ]


def pattern_of(prefix: str, method: Mapping[str, Any]) -> str:
    """What a method's path looks like."""
    path = re.escape(prefix + method.get("flatPath", method["path"]))
    # The name of a metric holds a slash, which its path has as %2F.
    path = path.replace(r"\{consumerQuotaMetricsId\}", ".+")
    return re.sub(r"\\\{[^}]+\\\}", "[^/:]+", path)


def methods(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every method of an API."""
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from methods(inner)


def deviations(verb: str, path: str, query: str, body: bytes, answer: str = "") -> list[str]:
    """Where a request, or the answer to it, is not as described.

    Args:
        path: below the service's address; that of another service begins with its host.
    """
    host, _, below = path.removeprefix("/").partition("/")
    if host.endswith(".pkg.dev"):
        return []  # The registry of images has an API of its own: OCI's.
    if host not in DOCUMENTS:
        host, below = VERTEX, path.removeprefix("/")
    api, known = described(host, beta="/v1beta1/" in path)
    matches = (each for pattern, each in known if pattern.fullmatch(f"{verb} {below}"))
    if (method := next(matches, None)) is None:
        return [f"{verb} {path}: the API has no such method"]
    schemas, faults = api["schemas"], []
    parameters = method.get("parameters", {}).keys() | api["parameters"].keys() | {ALT}
    faults += [f"?{name}: unknown" for name in parse_qs(query).keys() - parameters]
    if answer:
        check(json.loads(answer), method.get("response", {}), schemas, "", faults, sent=False)
    elif body:
        if "request" not in method:
            return [*faults, "a body: this method takes none"] if body != b"{}" else faults
        check(json.loads(body), method["request"], schemas, "", faults, sent=True)
    return [f"{verb} {path}: {fault}" for fault in faults]


def deviations_of(value: Any, name: str) -> list[str]:
    """Where a value is not what a schema of Vertex AI by this name describes."""
    faults: list[str] = []
    schemas = described(VERTEX, beta=False)[0]["schemas"]
    check(value, {"$ref": name}, schemas, "", faults, sent=True)
    return faults


KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def check(
    value: Any,
    schema: Mapping[str, Any],
    schemas: Mapping[str, Any],
    where: str,
    faults: list[str],
    *,
    sent: bool,
) -> None:
    """Note where a value differs from its schema.

    Args:
        sent: by a client, who may not set what is only read.
    """
    if sent and schema.get("readOnly"):
        faults.append(f"{where}: only the service sets it")
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if kind == "any" or ("enum" in schema and isinstance(value, int)):
        return
    if not isinstance(value, KINDS[kind]) or (kind != "boolean" and isinstance(value, bool)):
        faults.append(f"{where}: {value!r} is no {kind}")
    elif "enum" in schema and value not in schema["enum"]:
        faults.append(f"{where}: {value!r} is none of {schema['enum']}")
    elif kind == "array":
        for number, each in enumerate(value):
            check(each, schema["items"], schemas, f"{where}[{number}]", faults, sent=sent)
    elif kind == "object":
        fields, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, each in value.items():
            inner = fields.get(name, others)
            if inner is None:
                faults.append(f"{where}.{name}: unknown field")
            else:
                check(each, inner, schemas, f"{where}.{name}", faults, sent=sent)
