"""Fingerprint the input: its digest keys everything after it."""

from __future__ import annotations

import argparse
import hashlib
import json
from typing import Any

from components.html.format import counted
from components.interface import Parameter, Result
from components.records.sources import Source, content_digest, identity, list_files
from components.settings import parse
from components.stage import StageResult

INTERFACE = (
    Parameter("sources", "JSON list of {path, format}", list),
    Parameter(
        "context", "JSON object: all of the config that changes the result", dict, default="{}"
    ),
    Result("digest"),
    Result("data_digest"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Return `data_digest`, over the annotations, and `digest`, over all of the input."""
    files = list_files(parse(list[Source], args.sources, "--sources"))
    content = content_digest(files, [identity(file) for file in files])
    digest = digest_of(content, parse(dict[str, Any], args.context, "--context"))
    print(f"{counted(len(files), 'source file')}, content {content}, digest {digest}")
    return StageResult(parameters={"digest": digest, "data_digest": content})


def digest_of(content: str, context: dict[str, Any]) -> str:
    """SHA-256, as hex, over the content digest and the context, whatever its key order."""
    canonical = json.dumps([content, context], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
