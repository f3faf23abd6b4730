"""What `retrain models` says about the versions of a registry, as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import ConfigError
from components.registry.base import Registry, Version
from components.registry.open import VOLUME_SCHEME, open_registry
from components.scoring.document import rows_of
from pipelines.config.default import DEFAULT_CONFIG
from pipelines.config.load import load

DEFAULT_REGISTRY = Path("models")


def registry_of(where: str, config: Path | None, folder: Path | None) -> Registry:
    """The registry that a command means.

    Args:
        where: "local", "vertex" or "kubeflow".
        config: a pipeline config; retrain.yaml if None and there is one.
        folder: a folder of this machine, instead of the one that the config names.

    Raises:
        ConfigError: the config names none that can be reached from here.
    """
    if where == "local" or (where == "kubeflow" and folder is not None):
        return open_registry(str(folder or local_registry(config)))
    config = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    if config is None or folder is not None:
        raise ConfigError(
            f"--where {where} needs --config FILE, whose `{where}` section says where."
        )
    pipeline = load(config).pipeline
    if pipeline.target != where:
        raise ConfigError(f"{config}: its target is not {where}: use --where {pipeline.target}.")
    location = pipeline.registry_url
    if location.startswith(VOLUME_SCHEME) and pipeline.kubeflow:
        raise ConfigError(
            f"{config}: the models are in {location.removeprefix(VOLUME_SCHEME)} on the volume "
            f"{pipeline.kubeflow.claim} of the cluster. Mount it here and add --registry FOLDER, "
            "or run the command in a pod that mounts it."
        )
    return open_registry(location)


def local_registry(config: Path | None) -> Path:
    """The folder of the models of this machine.

    Args:
        config: None: retrain.yaml, if there is one; else the models are in `models`.
    """
    if config is None and not DEFAULT_CONFIG.exists():
        return DEFAULT_REGISTRY
    named = config or DEFAULT_CONFIG
    return named.parent / load(named).pipeline.registry


def described(version: Version) -> dict[str, Any]:
    """A version with its lineage, as JSON."""
    return {
        "name": version.name,
        "version": version.number,
        "aliases": list(version.aliases),
        "uri": version.uri,
        "artefact": version.artefact,
        **version.lineage.model_dump(mode="json"),
    }


def overall(version: Version) -> dict[str, float | None]:
    """Overall precision, recall and F of a version on its test set, fractions or None.

    None for several tasks, too: the scores are in `per_label`.
    """
    scores = version.lineage.scores.get("overall", {})
    return {measure: scores.get(measure) for measure in ("p", "r", "f")}


def per_label(version: Version) -> dict[str, dict[str, float | None]]:
    """The scores of every label, with `overall` as the last; of several tasks, task by task."""
    return rows_of(version.lineage.tasks)


def compared(old: Version, new: Version) -> dict[str, Any]:
    """Two versions' F per label, and whether the numbers can be compared at all.

    The difference is None where one of the versions has no score.
    """
    before, after = per_label(old), per_label(new)
    labels = {}
    for label in sorted({**before, **after}, key=lambda name: name == "overall"):
        was, now = before.get(label, {}).get("f"), after.get(label, {}).get("f")
        difference = None if was is None or now is None else now - was
        labels[label] = {"old": was, "new": now, "difference": difference}
    return {
        "name": new.name,
        "old": old.number,
        "new": new.number,
        "same_data": old.lineage.digest == new.lineage.digest,
        "f": labels,
    }
