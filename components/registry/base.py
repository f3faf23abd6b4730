"""What every model registry can do, wherever its models lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from components.errors import ConfigError, DataError
from components.registry.lineage import Lineage


@dataclass(frozen=True)
class Version:
    """One version of a model; it never changes, except for the aliases that point to it.

    Attributes:
        number: "1", "2", … in the order of upload.
        uri: where the model's files lie: a folder on this machine or gs://….
        aliases: names that point to this version now, sorted.
        artefact: digest of the model's files (see `components.registry.manifest`).
    """

    name: str
    number: str
    uri: str
    aliases: tuple[str, ...]
    artefact: str
    lineage: Lineage


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
    """A place that keeps versions of models. Nothing in it is ever deleted or overwritten."""

    def names(self) -> list[str]:
        """Names of all models, sorted."""
        ...

    def versions(self, name: str) -> list[Version]:
        """All versions of a model, oldest first; empty when there is no such model."""
        ...

    def add(self, name: str, artefact: Artefact) -> Version:
        """Keep a model as a new version; the same model again finds the version that exists."""
        ...

    def promote(self, name: str, number: str, alias: str, *, again: bool = True) -> Version:
        """Point the alias to a version and record which one it replaced.

        Args:
            again: also a version that was promoted before; else such a one is left as it is.
        """
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


def known(registry: Registry, name: str) -> list[Version]:
    """All versions of a model that has at least one.

    Raises:
        ConfigError: there is no such model; the message lists those that there are.
    """
    versions = registry.versions(name)
    if not versions:
        raise ConfigError(f"there is no model {name!r}; there is {listed(registry.names())}.")
    return versions


def find(registry: Registry, name: str, reference: str) -> Version:
    """The version that a person means by a number, an alias or the name of a run.

    A run that left several versions means its newest.

    Raises:
        ConfigError: there is no such version; the message lists what there is.
    """
    versions = known(registry, name)
    found = numbered(versions, reference) or pointed_to(versions, reference)
    of_run = [version for version in versions if version.lineage.run == reference]
    if found or of_run:
        return found or of_run[-1]
    numbers = [version.number for version in versions]
    aliases = sorted(alias for version in versions for alias in version.aliases)
    raise ConfigError(
        f"model {name!r} has no version, alias or run {reference!r}; "
        f"it has the versions {listed(numbers)} and the aliases {listed(aliases)}."
    )


def listed(names: list[str]) -> str:
    """Names as a list in a sentence."""
    return ", ".join(names) or "none"


def rollback(registry: Registry, name: str, alias: str) -> tuple[Version, Version]:
    """Point the alias back to the version that its present one replaced.

    Returns:
        the version that was in production, and the one that is now.

    Raises:
        ConfigError: nothing has the alias, or what has it replaced nothing.
    """
    withdrawn = find(registry, name, alias)
    if not withdrawn.lineage.replaced:
        raise ConfigError(
            f"version {withdrawn.number} of {name} replaced no other version: there is nothing to "
            f"roll back to. `retrain models promote {name} VERSION` chooses one."
        )
    return withdrawn, registry.promote(name, withdrawn.lineage.replaced, alias)


def take_in(registry: Registry, name: str, alias: str, artefact: Artefact) -> Version:
    """Add a model and, when the gate decided so, promote it: what a pipeline does at its end.

    A version that was promoted before is not promoted again: if its alias points elsewhere now, a
    person has moved it since, and a repeated or retried run must not undo that.
    """
    version = registry.add(name, artefact)
    if artefact.lineage.decision != "promote":
        return version
    return registry.promote(name, version.number, alias, again=False)


def champion_for(registry: Registry, name: str, alias: str, digest: str) -> Version | None:
    """The version that a model trained from `digest` must beat; None when there is none yet.

    A champion that was itself trained from `digest` stands aside for the one that it replaced, so
    that a repeated run makes the same comparison again instead of competing with itself.

    Raises:
        DataError: a version that the registry refers to is gone.
    """
    versions = registry.versions(name)
    version = pointed_to(versions, alias)
    passed: set[str] = set()
    while version and version.lineage.digest == digest:
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
