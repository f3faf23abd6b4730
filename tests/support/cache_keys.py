"""Cache keys of other back ends, for runs of the local runner.

Vertex AI: https://cloud.google.com/vertex-ai/docs/pipelines/configure-caching
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from pipelines.local.runner.graph import Node
from pipelines.local.runner.spec import Container
from pipelines.local.runs import Artifact


def key(node: Node, parameters: Mapping[str, Any], artifacts: Mapping[str, str]) -> str:
    """Component, output definitions, values of parameters, and what is known of the artifacts."""
    assert isinstance(node.body, Container)
    parts = [node.body, node.outputs, parameters, artifacts]
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def vertex_key(
    node: Node, parameters: Mapping[str, Any], artifacts: Mapping[str, Artifact], identity: Any
) -> str:
    """By the ids of the input artifacts.

    What a task wrote is a new artifact, whatever its content: its id is the place where it was
    written first. What an importer finds is the artifact that has its URI already.
    """
    return key(node, parameters, {n: os.path.realpath(one.uri) for n, one in artifacts.items()})


def name_only_key(
    node: Node, parameters: Mapping[str, Any], artifacts: Mapping[str, Artifact], identity: Any
) -> str:
    """By the names of the input artifacts alone."""
    return key(node, parameters, {name: one.name for name, one in artifacts.items()})
