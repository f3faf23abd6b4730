"""The registry in a folder of this machine.

    <registry>/<name>/<version>/model/         the spaCy pipeline
    <registry>/<name>/<version>/manifest.json  its files with their SHA-256
    <registry>/<name>/<version>/lineage.json   where it comes from
    <registry>/<name>/<version>/…              its report and scores
    <registry>/<name>/aliases/<alias>          a file that holds the number of a version

Every change is made under a lock on the model's folder, which the system releases when the process
dies. A version appears by one rename and an alias moves by another, so that a reader, who takes no
lock, always sees a registry in order.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from components.errors import DataError
from components.files import copy, remove, writing
from components.registry import manifest
from components.registry.base import Artefact, Version, numbered, pointed_to
from components.registry.lineage import Lineage, now
from components.registry.settings import CANDIDATE


class LocalRegistry:
    """Implements `components.registry.base.Registry` with folders and files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def names(self) -> list[str]:
        return sorted(path.parent.name for path in self.folder.glob("*/aliases"))

    def versions(self, name: str) -> list[Version]:
        aliases = self._aliases(name)
        numbers = sorted(int(path.name) for path in self._numbered_folders(name))
        return [self._version(name, str(number), aliases) for number in numbers]

    def add(self, name: str, artefact: Artefact) -> Version:
        description = manifest.describe(artefact.model)
        with self._locked(name):
            versions = self.versions(name)
            for version in versions:
                if version.artefact == description.digest:
                    return version
            number = str(max((int(version.number) for version in versions), default=0) + 1)
            # A dotted name is not a version. Whoever left one here died: we hold the lock.
            incoming = self.folder / name / ".incoming"
            remove(incoming)
            _fill(incoming, artefact, description)
            incoming.rename(self.folder / name / number)
            self._point(name, CANDIDATE, number)
            return self._version(name, number, self._aliases(name))

    def promote(self, name: str, number: str, alias: str, *, again: bool = True) -> Version:
        with self._locked(name):
            versions = self.versions(name)
            chosen = numbered(versions, number)
            if chosen is None:
                raise DataError(f"{self.folder / name}: there is no version {number}.")
            if chosen.lineage.promoted and not again:
                return chosen
            self.verify(chosen)
            present = pointed_to(versions, alias)
            # What is replaced is written before the alias moves, and `promoted` after it: dying
            # in between leaves a promotion that the next attempt completes.
            if present is None or present.number != number:
                replaced = present.number if present else ""
                self._amend(chosen, replaced=replaced)
                self._point(name, alias, number)
            chosen = self._version(name, number, {})
            if not chosen.lineage.promoted:
                self._amend(chosen, promoted=now())
            return self._version(name, number, self._aliases(name))

    def verify(self, version: Version) -> None:
        model = Path(version.uri)
        manifest.check(model, manifest.read(model.parent / manifest.FILE_NAME))

    def fetch(self, version: Version, target: Path) -> None:
        with writing(target) as incoming:
            copy(Path(version.uri), incoming)
            source = manifest.read(Path(version.uri).parent / manifest.FILE_NAME)
            manifest.check(incoming, source)

    def document(self, version: Version, file: str) -> bytes | None:
        path = Path(version.uri).parent / file
        return path.read_bytes() if path.is_file() else None

    def _numbered_folders(self, name: str) -> Iterator[Path]:
        return (path for path in (self.folder / name).glob("[1-9]*") if path.name.isdecimal())

    def _aliases(self, name: str) -> dict[str, str]:
        files = (self.folder / name / "aliases").glob("[!.]*")
        return {path.name: path.read_text(encoding="utf-8").strip() for path in files}

    def _version(self, name: str, number: str, aliases: dict[str, str]) -> Version:
        folder = self.folder / name / number
        try:
            lineage = Lineage.model_validate_json((folder / "lineage.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise DataError(
                f"{folder / 'lineage.json'} cannot be read ({error}). Restore the file from a "
                f"backup, or move the folder {folder} out of the registry."
            ) from error
        return Version(
            name=name,
            number=number,
            uri=str(folder / "model"),
            aliases=tuple(sorted(alias for alias, to in aliases.items() if to == number)),
            artefact=manifest.read(folder / manifest.FILE_NAME).digest,
            lineage=lineage,
        )

    def _amend(self, version: Version, **changes: str) -> None:
        lineage = version.lineage.model_copy(update=changes)
        _write(self.folder / version.name / version.number / "lineage.json", _json(lineage))

    def _point(self, name: str, alias: str, number: str) -> None:
        _write(self.folder / name / "aliases" / alias, number + "\n")

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        folder = self.folder / name
        (folder / "aliases").mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _fill(folder: Path, artefact: Artefact, description: manifest.Manifest) -> None:
    folder.mkdir()
    copy(artefact.model, folder / "model")
    # The copy is what will be served: prove it, not the original.
    manifest.check(folder / "model", description)
    for name, source in artefact.documents.items():
        copy(source, folder / name)
    _write(folder / manifest.FILE_NAME, description.model_dump_json(indent=2))
    _write(folder / "lineage.json", _json(artefact.lineage))


def _json(lineage: Lineage) -> str:
    return lineage.model_dump_json(indent=2)


def _write(path: Path, text: str) -> None:
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
