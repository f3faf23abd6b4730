"""A phase's teacher and the texts for it, looked up so that later stages can be cached."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from components.digests import content_digest
from components.errors import ConfigError
from components.html.format import counted
from components.ingest.production import NO_ASSIGNMENT, keep, model_of
from components.ingest.store import Store, Stored
from components.program import local_path
from components.records.pool import content_of, files_of
from components.registry import documents
from components.registry.base import Registry, Version, find
from components.registry.open import open_registry

CHAMPION = "champion"


def teaching(named: str, patterns: Sequence[str], location: str, store: Store) -> dict[str, str]:
    """Where the teacher and its assignment lie, their digests, what it is called; files of texts.

    Args:
        named: a folder, or NAME, NAME@VERSION or NAME@ALIAS of the registry.
        patterns: paths, globs and addresses of texts.
        location: the registry.

    Raises:
        ConfigError: there is no such model, or no such file.
        DataError: the model is damaged.
    """
    files = list(dict.fromkeys(path for pattern in patterns for path in files_of(pattern)))
    at = found(named, location)
    if isinstance(at, Path):
        teacher, called, known = in_folder(named, at)
    else:
        teacher, called, known = in_registry(at, open_registry(location), store)
    print(f"The teacher: {called} ({teacher.uri}), for {counted(len(files), 'file')} of texts.")
    return {
        "teacher_uri": teacher.uri,
        "teacher_digest": teacher.digest,
        "teacher_version": called,
        "teacher_assignment_uri": keep(store, known, documents.ASSIGNMENT).uri,
        "text_files": json.dumps(files),
        "texts_digest": content_of(files),
    }


def found(named: str, location: str) -> Path | Version:
    """The folder or the version that is meant.

    Raises:
        ConfigError: there is none.
    """
    folder = Path(local_path(named))
    if not folder.is_dir() and "/" not in named:
        name, _, reference = named.partition("@")
        try:
            return find(open_registry(location), name, reference or CHAMPION)
        except ConfigError as error:
            raise ConfigError(
                f"teacher: {error} A teacher must be there before its phase runs: train it first, "
                "and where its gate holds it back, see to that or promote a version of it "
                f"(retrain models promote {name} VERSION)."
            ) from error
    if not (folder / "config.cfg").is_file():
        raise ConfigError(
            f"teacher.model: {named}: there is no spaCy pipeline here (no config.cfg). Name the "
            "folder `model` of a version or of a run, or a model of the registry."
        )
    return folder


def in_folder(named: str, folder: Path) -> tuple[Stored, str, bytes]:
    """A pipeline in a folder of its own, of which nobody knows what it was trained on."""
    uri = named if "://" in named else str(folder.resolve())
    digest = content_digest(folder)
    return Stored(uri, digest), f"{folder.name} {digest[:12]}", NO_ASSIGNMENT


def in_registry(version: Version, registry: Registry, store: Store) -> tuple[Stored, str, bytes]:
    """A version of a model of the registry.

    Raises:
        DataError: it is damaged.
    """
    registry.verify(version)
    known = registry.document(version, documents.ASSIGNMENT) or NO_ASSIGNMENT
    return model_of(registry, version, store), f"{version.name} {version.number}", known
