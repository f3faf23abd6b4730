"""What a stage is: its arguments, its work, and what it returns to the pipeline."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from components.files import writing
from components.interface import Port


@dataclass(frozen=True)
class StageResult:
    """What a stage returns besides the files that it wrote.

    Attributes:
        parameters: output parameters, read by later tasks and conditions.
        metadata: artifact name -> metadata, shown in the console (scores of a dsl.Metrics).
        uris: artifact name -> URI, for an artifact that already lies elsewhere (a registry).
    """

    parameters: dict[str, str | int | float] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    uris: dict[str, str] = field(default_factory=dict)


class Stage(Protocol):
    """The face of a stage's `command` module."""

    INTERFACE: Sequence[Port]

    def run(self, args: argparse.Namespace) -> StageResult: ...


def write_executor_output(executor_input: str, result: StageResult) -> None:
    """Write the executor output file that KFP, Vertex AI and the local runner read.

    Every artifact stands in it, as kfp's own components write it: its local runner knows no other.

    Args:
        executor_input: the JSON that the pipeline puts in place of `{{$}}`.
    """
    outputs = json.loads(executor_input)["outputs"]
    artifacts = {}
    for name, declared in outputs.get("artifacts", {}).items():
        artifact = dict(declared["artifacts"][0])
        artifact["metadata"] = {**artifact.get("metadata", {}), **result.metadata.get(name, {})}
        artifact["uri"] = result.uris.get(name, artifact["uri"])
        artifacts[name] = {"artifacts": [artifact]}
    document = {"parameterValues": result.parameters, "artifacts": artifacts}
    with writing(Path(outputs["outputFile"])) as path:
        # A NaN would be written as invalid JSON, and kills the step on Vertex AI: refuse it here.
        path.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")
