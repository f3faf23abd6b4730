"""What every model registry can do, wherever its models lie."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from components.errors import ConfigError, DataError
from components.registry.history import Entry, took_effect
from components.registry.lineage import Lineage
from components.registry.manifest import Manifest, describe
from components.registry.settings import ALIAS, NAME, RESERVED


@dataclass(frozen=True)
class Version:
    """One version of a model; it never changes, except for the aliases that point to it.

    Attributes:
        number: "1", "2", … in the order of upload.
        uri: where the model's files lie: a folder on this machine or gs://….
        aliases: names that point to this version now, sorted.
        artefact: digest of the model's files (see `components.registry.manifest`).
        stored: its lineage as it was written; `lineage` also says what has become of it since.
        documents: where its registry keeps its newest documents.
    """

    name: str
    number: str
    uri: str
    aliases: tuple[str, ...]
    artefact: str
    stored: Lineage
    lineage: Lineage
    documents: str = ""


@dataclass(frozen=True)
class Artefact:
    """A trained model that is to become a version.

    Attributes:
        model: folder of the spaCy pipeline.
        documents: file name -> file to keep beside the model (the report, the scores).
    """

    model: Path
    documents: dict[str, Path]
    lineage: Lineage


class Registry(Protocol):
    """A place that keeps versions of models. Nothing that it has kept is deleted or overwritten."""

    def names(self) -> list[str]:
        """Names of all models, sorted."""
        ...

    def versions(self, name: str, *, damaged: bool = False) -> list[Version]:
        """All versions of a model, oldest first; empty when there is no such model.

        Args:
            damaged: also if an alias points to nothing.

        Raises:
            DataError: an alias points to nothing, or what is kept cannot be read.
        """
        ...

    def add(self, name: str, artefact: Artefact) -> Version:
        """Keep a model as a new version; the same model again finds the version that exists.

        If it comes from other data or settings, or was gated otherwise, its documents are renewed.
        """
        ...

    def pointed(self, name: str, alias: str) -> str:
        """The number of the version that an alias points to; '' if there is no such alias.

        Raises:
            DataError: it points to nothing.
        """
        ...

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Keep other processes from changing a model meanwhile, as far as the place can."""
        ...

    def history(self, name: str) -> list[Entry]:
        """What was put in production and withdrawn, oldest first."""
        ...

    def record(self, name: str, entry: Entry) -> bool:
        """Write an operation down before it is done; False if another one took its number."""
        ...

    def point(self, name: str, alias: str, number: str) -> None:
        """Let an alias point to a version."""
        ...

    def finish(self, name: str, number: int) -> None:
        """Mark an operation as done."""
        ...

    def verify(self, version: Version) -> None:
        """Compare a version's files with its manifest.

        Raises:
            DataError: a file is missing or damaged.
        """
        ...

    def fetch(self, version: Version, target: Path) -> None:
        """Copy a version's model to the folder `target`, verified, whole or not at all."""
        ...

    def document(self, version: Version, file: str) -> bytes | None:
        """A file that is kept beside a version's model; None if it keeps no such file."""
        ...


def pointed_to(versions: list[Version], alias: str) -> Version | None:
    """The version that an alias points to, if any does."""
    return next((version for version in versions if alias in version.aliases), None)


def numbered(versions: list[Version], number: str) -> Version | None:
    """The version with a number, if there is one."""
    return next((version for version in versions if version.number == number), None)


def known(registry: Registry, name: str, *, damaged: bool = False) -> list[Version]:
    """All versions of a model that has at least one; `damaged` as in `Registry.versions`.

    Raises:
        ConfigError: there is no such model; the message lists those that there are.
    """
    versions = registry.versions(name, damaged=damaged)
    if not versions:
        raise ConfigError(f"there is no model {name!r}; there is {listed(registry.names())}.")
    return versions


def find(registry: Registry, name: str, reference: str, *, damaged: bool = False) -> Version:
    """The version that a person means by a number, an alias or the name of a run.

    A run that left several versions means its newest.

    Raises:
        ConfigError: there is no such version; the message lists what there is.
    """
    versions = known(registry, name, damaged=damaged)
    named = numbered(versions, reference) or pointed_to(versions, reference)
    of_run = [version for version in versions if version.lineage.run == reference]
    if named or of_run:
        return named or of_run[-1]
    numbers = [version.number for version in versions]
    aliases = sorted(alias for version in versions for alias in version.aliases)
    raise ConfigError(
        f"model {name!r} has no version, alias or run {reference!r}; "
        f"it has the versions {listed(numbers)} and the aliases {listed(aliases)}."
    )


def manifest_of(artefact: Artefact) -> Manifest:
    """The files of a model that is to be kept.

    Raises:
        DataError: there are none, or they are not those that its lineage is about.
    """
    description = describe(artefact.model)
    if artefact.lineage.model_digest not in ("", description.digest):
        raise DataError(
            f"{artefact.model}: its files are not those that were trained and scored: they were "
            "damaged or changed since. Run again without the cache."
        )
    return description


def is_news(offered: Lineage, stored: Lineage) -> bool:
    """Whether the same model came about otherwise than the registry knows."""

    def way(lineage: Lineage) -> tuple[str, str, str]:
        return lineage.digest, lineage.decision, lineage.compared_with

    return way(offered) != way(stored)


def listed(names: list[str]) -> str:
    """Names as a list in a sentence."""
    return ", ".join(names) or "none"


def checked_alias(alias: str) -> str:
    """An alias that may be moved, unchanged.

    Raises:
        ConfigError: it is none, or one that the registry moves itself.
    """
    if not re.fullmatch(ALIAS, alias, re.ASCII) or alias in RESERVED:
        raise ConfigError(
            f"{alias!r} is no alias that marks a version in production: expected letters, digits "
            f"and -, a small letter first, at least two, and neither of {listed(sorted(RESERVED))}."
        )
    return alias


def checked_name(name: str) -> str:
    """The name of a model, unchanged.

    Raises:
        ConfigError: it is none.
    """
    if not re.fullmatch(NAME, name, re.ASCII):
        raise ConfigError(
            f"{name!r} is no name of a model: expected small letters, digits, - and _, a letter "
            "first, at most 63."
        )
    return name


def champion_for(
    registry: Registry, name: str, alias: str, digest: str, origin: str = ""
) -> Version | None:
    """The version that a model trained from this input must beat; None when there is none yet.

    A champion that was itself trained from it (see `Lineage`) stands aside for the one that it
    replaced, so that a repeated run makes the same comparison again instead of competing with
    itself.

    Raises:
        ConfigError: the alias is none that may be moved.
        DataError: a version that the registry refers to is gone, or the alias is.
    """
    present = registry.pointed(name, checked_alias(alias))
    before = [*took_effect(registry.history(name), alias, present)]
    if before and not present:
        # Whoever is compared with nothing goes into production.
        raise DataError(
            f"{name}: {alias!r} is gone from the registry; it pointed to version "
            f"{before[-1].version}. Put one in production: `retrain models promote {name} VERSION "
            f"--alias {alias}`."
        )
    versions = registry.versions(name)
    version = numbered(versions, present)
    passed: set[str] = set()
    while version and (version.lineage.digest == digest or version.lineage.origin == origin != ""):
        passed.add(version.number)
        replaced = version.lineage.replaced
        if not replaced or replaced in passed:
            return None
        version = numbered(versions, replaced)
        if version is None:
            raise DataError(
                f"version {replaced} of {name}, which was in production before, is gone from the "
                "registry. Restore it from a backup."
            )
    return version
