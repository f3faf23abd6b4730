"""What is in production, where the stages that follow can read it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from components.ingest.store import Store, Stored
from components.production import NOBODY
from components.registry import assignment, documents
from components.registry.base import Registry, Version, champion_for
from components.registry.open import open_registry

# The assignment before the first run, and of a model that kept none.
NO_ASSIGNMENT = msgspec.json.encode(assignment.Stored(assignment.VERSION, [], [], []))


def in_production(
    location: str, name: str, alias: str, digests: tuple[str, str], store: Store
) -> dict[str, str]:
    """The model that a new one must beat and its assignment: addresses, digests, version.

    Args:
        location: the registry; '' to look for nothing.
        digests: `digest` and `origin` of the input (see `Lineage`).

    Raises:
        DataError: the model is damaged. It is not treated as absent.
    """
    registry = open_registry(location) if location else None
    version = champion_for(registry, name, alias, *digests) if registry else None
    if registry and version:
        registry.verify(version)
        print(f"To beat: version {version.number} of {name} ({version.uri}).")
        champion = model_of(registry, version, store)
        known = registry.document(version, documents.ASSIGNMENT) or NO_ASSIGNMENT
    else:
        print(f"No version of {name or 'this model'} to compare with.")
        # An address must lead somewhere; the digest says that there is none.
        champion = Stored(keep(store, b"There is no model in production.\n", NOBODY).uri, NOBODY)
        known = NO_ASSIGNMENT
    previous = keep(store, known, documents.ASSIGNMENT)
    return {
        "previous_uri": previous.uri,
        "previous_digest": previous.digest,
        "champion_uri": champion.uri,
        "champion_digest": champion.digest,
        "champion_version": version.number if version else "",
    }


def model_of(registry: Registry, version: Version, store: Store) -> Stored:
    """A version never changes, so it stays where it is; but not in a bucket for a local store."""
    if "://" in version.uri and not store.remote:
        return store.keep_folder(
            version.artefact, "champion", lambda path: registry.fetch(version, path)
        )
    return Stored(version.uri, version.artefact)


def keep(store: Store, content: bytes, name: str) -> Stored:
    """Keep a small document."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return store.keep_file(path, name)
