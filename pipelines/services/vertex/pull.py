"""Bring data, config and model of a run on Vertex AI back to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import ConfigError, DataError
from components.files import read_json, write_json, writing
from components.google_cloud import patient, reaching
from components.registry.base import Version, find
from components.registry.open import open_registry
from pipelines.config.load import Loaded
from pipelines.config.schema import Phase
from pipelines.services.base import Run
from pipelines.services.submission import only
from pipelines.services.vertex.runs import VertexRuns, runs_of

INGEST = "ingest"
SNAPSHOT = "snapshot"


def pull(loaded: Loaded, run: str, phases: list[str], target: Path) -> dict[str, Version]:
    """Bring every phase's model, annotations and training config to `target`/PHASE.

    What is there whole already is kept, so an interrupted pull goes on.

    Args:
        run: the name of a run; '' for the run of the version in production, phase by phase.

    Returns:
        phase -> the version of its model.
    """
    if loaded.pipeline.target == "kubeflow":
        raise ConfigError(
            f"{loaded.path}: Kubeflow Pipelines does not say where a run left its artifacts, so "
            "they can't be brought back. `retrain models pull` fetches a model."
        )
    runs = runs_of(loaded)
    registry = open_registry(loaded.pipeline.registry_url)
    pulled = {}
    for name, phase in only(loaded, phases).pipeline.phases.items():
        version = find(registry, phase.model.name, run or phase.model.alias)
        folder = target / name
        claim(folder, version, phase)
        if not (folder / "model").exists():
            registry.fetch(version, folder / "model")
        if not (folder / "annotations").exists():
            made_by = runs.get(version.lineage.run)
            fetch_folder(runs, snapshot_of(made_by, name), folder / "annotations")
        pulled[name] = version
    return pulled


def snapshot_of(run: Run, phase: str) -> str:
    """Where a run kept the raw annotations of a phase, gs://….

    Raises:
        DataError: the run does not say.
    """
    for task in run.tasks:
        if task.path == f"{phase}/{INGEST}" and SNAPSHOT in task.outputs:
            return task.outputs[SNAPSHOT]
    raise DataError(
        f"{run.id}: {phase}/{INGEST} has left no {SNAPSHOT}: its annotations can't be brought back."
    )


def fetch_folder(runs: VertexRuns, uri: str, target: Path) -> None:
    """Copy a folder of a bucket; the client compares every file with its checksum in the bucket."""
    bucket, _, prefix = uri.removeprefix("gs://").partition("/")
    with reaching(f"copy {uri}"), writing(target) as incoming:
        blobs = list(runs.place.storage.list_blobs(bucket, prefix=f"{prefix}/"))
        if not blobs:
            raise DataError(f"{uri}: nothing is there any more.")
        for blob in blobs:
            path = incoming / blob.name.removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(str(path), **patient())


def claim(folder: Path, version: Version, phase: Phase) -> None:
    """Say in `folder`/pulled.json what is brought there, before it is.

    Raises:
        ConfigError: something else is there, and one version must not be mixed with another.
    """
    facts: dict[str, Any] = {
        "model": version.name,
        "version": version.number,
        "lineage": version.lineage.model_dump(mode="json"),
        "phase": phase.model_dump(mode="json", exclude_none=True),
    }
    path = folder / "pulled.json"
    if folder.exists():
        there = read_json(path) if path.exists() else {}
        if (there.get("model"), there.get("version")) != (version.name, version.number):
            raise ConfigError(
                f"{folder} holds something else than version {version.number} of {version.name}: "
                "choose another folder with -o, or move it away."
            )
    write_json(path, facts)
