"""One task: its command line, and its outputs read back, as KFP's launcher does it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import ConfigError, DataError
from components.html.page import RUNS_PAGE
from components.progress import PROGRESS_VARIABLE
from pipelines.local.runner.digests import content_digest
from pipelines.local.runner.graph import Node
from pipelines.local.runner.launchers import Command
from pipelines.local.runner.placeholders import executor_input_values, fill, fill_deep
from pipelines.local.runner.scopes import Values, typed
from pipelines.local.runner.spec import ArtifactDefinition, Container, Importer, ParameterType
from pipelines.local.runs import PAGE, Artifact

_THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# So that a double click opens what people read.
SUFFIXES = {"system.HTML": ".html", "system.Markdown": ".md"}


def executor_input(
    node: Node, inputs: Values, folder: Path, run_values: Mapping[str, str]
) -> dict[str, Any]:
    """What KFP calls the executor input: all inputs, and where each output belongs.

    Args:
        folder: the task's own folder; every output gets its name in it.
        run_values: values of the placeholders that tell the run's identity.
    """
    parameters = fill_deep(inputs.parameters, run_values)
    return {
        "inputs": {
            "parameterValues": parameters,
            "artifacts": {
                name: {"artifacts": [_described(artifact)]}
                for name, artifact in inputs.artifacts.items()
            },
        },
        "outputs": {
            "parameters": {
                name: {"outputFile": str(folder / name)} for name in node.outputs.parameters
            },
            "artifacts": {
                name: {"artifacts": [_described(_empty(name, definition, folder))]}
                for name, definition in node.outputs.artifacts.items()
            },
            "outputFile": str(folder / "executor_output.json"),
        },
    }


def command(
    node: Node,
    document: Mapping[str, Any],
    run_values: Mapping[str, str],
    *,
    folder: Path,
    cwd: Path,
    log: Path,
    threads: int,
) -> Command:
    """The command of a task, for an executor input (`document`)."""
    assert isinstance(node.body, Container)
    values = {**run_values, **executor_input_values(document)}
    listed = document["inputs"]["artifacts"].values()
    uris = [artifact["uri"] for entry in listed for artifact in entry["artifacts"]]
    return Command(
        argv=[fill(word, values) for word in [*node.body.command, *node.body.args]],
        environment={
            **dict.fromkeys(_THREAD_VARIABLES, str(threads)),
            "TOKENIZERS_PARALLELISM": "false",  # its threads come on top, and forks of it hang
            "PYTHONUNBUFFERED": "1",
            PROGRESS_VARIABLE: str(progress_path(folder)),
            # Relative: a folder of runs may be moved.
            RUNS_PAGE: os.path.relpath(Path(run_values[".pipeline_root"]) / PAGE, folder),
            **{variable.name: variable.value for variable in node.body.env},
        },
        cwd=cwd,
        image=node.body.image,
        reads=[Path(uri) for uri in uris if is_local(uri)],
        writes=folder,
        log=log,
    )


def imported(node: Node, inputs: Values, cwd: Path) -> Values:
    """What an importer makes: an artifact of what lies at its URI already."""
    assert isinstance(node.body, Importer)
    kind = node.body.type_schema
    artifact = {
        "name": "artifact",
        "uri": inputs.parameters[node.body.artifact_uri.runtime_parameter],
        "type": {"schemaTitle": kind.schema_title, "schemaVersion": kind.schema_version},
    }
    return Values(artifacts={"artifact": _artifact(artifact, cwd)})


def progress_path(folder: Path) -> Path:
    """Where a task reports its progress."""
    return folder / ".progress.json"


def read_outputs(node: Node, document: Mapping[str, Any], cwd: Path) -> Values:
    """What a task made, after it succeeded.

    Raises:
        DataError: it broke its promise: an output parameter is missing or of the wrong type, or
            the executor output file is not one.
    """
    outputs = document["outputs"]
    returned = _executor_output(Path(outputs["outputFile"]))
    for kind, declared in (
        ("parameterValues", node.outputs.parameters),
        ("artifacts", node.outputs.artifacts),
    ):
        for name in returned[kind]:
            if name not in declared:
                raise DataError(f"task {node.path}: returned {name!r}, which it does not declare")
    parameters = dict(returned["parameterValues"])
    for name, definition in node.outputs.parameters.items():
        file = Path(outputs["parameters"][name]["outputFile"])
        if file.exists():
            parameters[name] = _from_file(file, definition.parameter_type)
        if name not in parameters:
            raise DataError(f"task {node.path}: did not return its output parameter {name!r}")
        try:
            parameters[name] = typed(parameters[name], definition.parameter_type, name)
        except ConfigError as error:
            raise DataError(f"task {node.path}: output parameter {error}") from error
    artifacts = {}
    for name, listed in outputs["artifacts"].items():
        (promised,) = listed["artifacts"]
        written = returned["artifacts"].get(name, {}).get("artifacts", [{}])[0]
        artifacts[name] = _artifact({**promised, **written}, cwd)
    return Values(parameters, artifacts)


def is_local(uri: str) -> bool:
    """Whether a URI is a path on this machine."""
    return not re.match(r"[A-Za-z][\w+.-]*://", uri)


def _executor_output(path: Path) -> dict[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else "{}"
        document = json.loads(text)
        return {key: dict(document.get(key, {})) for key in ("parameterValues", "artifacts")}
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not an executor output file ({error})") from error


def _from_file(path: Path, kind: ParameterType) -> Any:
    text = path.read_text(encoding="utf-8")
    if kind == "STRING":
        return text
    try:
        return json.loads(text.lower() if kind == "BOOLEAN" else text)
    except ValueError as error:
        raise DataError(f"{path}: not JSON, but a {kind} is declared ({error})") from error


def _artifact(raw: Mapping[str, Any], cwd: Path) -> Artifact:
    uri = str(raw["uri"])
    digest = None
    if is_local(uri):
        uri = str(cwd / uri)
        digest = content_digest(Path(uri))
    return Artifact(
        name=str(raw["name"]),
        uri=uri,
        schema_title=raw["type"]["schemaTitle"],
        schema_version=raw["type"]["schemaVersion"],
        metadata=dict(raw.get("metadata", {})),
        digest=digest,
    )


def _empty(name: str, definition: ArtifactDefinition, folder: Path) -> Artifact:
    kind = definition.artifact_type
    path = folder / f"{name}{SUFFIXES.get(kind.schema_title, '')}"
    return Artifact(name, str(path), kind.schema_title, kind.schema_version)


def _described(artifact: Artifact) -> dict[str, Any]:
    """An artifact as KFP writes it into an executor input."""
    return {
        "name": artifact.name,
        "type": {
            "schemaTitle": artifact.schema_title,
            "schemaVersion": artifact.schema_version,
        },
        "uri": artifact.uri,
        "metadata": artifact.metadata,
    }
