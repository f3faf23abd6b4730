"""Fingerprint the input: its digest keys everything after it."""

from __future__ import annotations

import argparse
import hashlib
import json
from typing import Any

from components.errors import ConfigError
from components.sources import content_digest, identity, list_files, parse_sources
from components.stage import StageResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sources", required=True, help="JSON list of {path, format}")
    parser.add_argument(
        "--context", default="{}", help="JSON object: all of the config that changes the result"
    )


def run(args: argparse.Namespace) -> StageResult:
    """Return `data_digest`, over the annotations, and `digest`, over all of the input."""
    files = list_files(parse_sources(args.sources))
    content = content_digest(files, [identity(file) for file in files])
    digest = digest_of(content, read_context(args.context))
    print(f"{len(files)} source file(s), content {content}, digest {digest}")
    return StageResult(parameters={"digest": digest, "data_digest": content})


def digest_of(content: str, context: dict[str, Any]) -> str:
    """SHA-256, as hex, over the content digest and the context, whatever its key order."""
    canonical = json.dumps([content, context], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_context(text: str) -> dict[str, Any]:
    try:
        context = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--context: not JSON: {error}") from error
    if not isinstance(context, dict):
        raise ConfigError(f"--context: expected a JSON object, not {type(context).__name__}")
    return context
