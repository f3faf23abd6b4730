"""The registry in a folder of this machine.

    <registry>/<name>/<version>/model/         the spaCy pipeline
    <registry>/<name>/<version>/manifest.json  its files with their SHA-256
    <registry>/<name>/<version>/lineage.json   where it comes from
    <registry>/<name>/<version>/…              its report and scores
    <registry>/<name>/<version>/renewed/<n>/…  the same of a later run that gave the same model
    <registry>/<name>/aliases/<alias>          a file that holds the number of a version
    <registry>/<name>/history/<n>.json         a promotion or rollback; <n>.done once it is done

Every change is made under a lock on the model's folder, which the system releases when the process
dies. A version appears by one rename and an alias moves by another, so that a reader, who takes no
lock, always sees a registry in order. What is renamed is on the disk before: a power cut leaves the
state before a change or after it.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from components.errors import DataError
from components.files import copy, named, remove, writing
from components.registry import durable, manifest
from components.registry.base import Artefact, Version, checked_name, is_news, manifest_of
from components.registry.documents import LINEAGE, MANIFEST
from components.registry.history import Entry, Operation, entries_in, lineage_now, took_effect
from components.registry.lineage import Lineage, now
from components.registry.settings import CANDIDATE

VERSION = re.compile(r"[1-9][0-9]*")


class LocalRegistry:
    """Implements `components.registry.base.Registry` with folders and files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def names(self) -> list[str]:
        return [path.name for path in inside(self.folder) if (path / "aliases").is_dir()]

    def versions(self, name: str, *, damaged: bool = False) -> list[Version]:
        numbers = sorted(int(path.name) for path in self._numbered_folders(name))
        aliases = {alias: self._read_alias(name, alias) for alias in self._aliases(name)}
        if not damaged:
            # The next upload moves the other one anyway.
            for alias in aliases.keys() - {CANDIDATE}:
                self.pointed(name, alias)
        entries = self.history(name)
        operations = [
            operation
            for alias in {entry.operation.alias for entry in entries}
            for operation in took_effect(entries, alias, aliases.get(alias) or "")
        ]
        return [self._version(name, str(number), aliases, operations) for number in numbers]

    def add(self, name: str, artefact: Artefact) -> Version:
        description = manifest_of(artefact)
        with self.locked(name):
            versions = self.versions(name, damaged=True)
            same = [each for each in versions if each.artefact == description.digest]
            if same:
                number = same[-1].number
                if is_news(artefact.lineage, same[-1].stored):
                    self._renew(name, number, artefact)
            else:
                number = str(max((int(version.number) for version in versions), default=0) + 1)
                incoming = self.folder / name / ".incoming"
                _fill(incoming, artefact, description)
                durable.rename(incoming, self.folder / name / number)
            if self._read_alias(name, CANDIDATE) != number:
                self.point(name, CANDIDATE, number)
            versions = self.versions(name, damaged=True)
            return next(each for each in versions if each.number == number)

    def pointed(self, name: str, alias: str) -> str:
        number = self._read_alias(name, alias)
        if number is None:
            return ""
        if number not in {path.name for path in self._numbered_folders(name)}:
            raise DataError(
                f"{self._alias(name, alias)} names version {number or '(none)'}, which is not "
                f"there. Restore it from a backup, or point it to another one: `retrain models "
                f"promote {name} VERSION --alias {alias}`."
            )
        return number

    def history(self, name: str) -> list[Entry]:
        folder = self.folder / name / "history"
        files = {path.name for path in inside(folder)}
        return [_entry(folder / file) for file in entries_in(files, str(folder))]

    def record(self, name: str, entry: Entry) -> bool:
        path = self.folder / name / "history" / f"{entry.number:06}.json"
        if path.exists():
            return False
        durable.write(path, entry.operation.model_dump_json(indent=2))
        return True

    def point(self, name: str, alias: str, number: str) -> None:
        path = self._alias(name, alias)
        if path.is_dir():
            raise DataError(f"{path} is a folder. Move it away, and run the same command again.")
        durable.write(path, number + "\n")

    def finish(self, name: str, number: int) -> None:
        durable.write(self.folder / name / "history" / f"{number:06}.done", "")

    def verify(self, version: Version) -> None:
        model = Path(version.uri)
        manifest.check(model, manifest.read(model.parent / MANIFEST))

    def fetch(self, version: Version, target: Path) -> None:
        model = Path(version.uri)
        description = manifest.read(model.parent / MANIFEST)
        manifest.exact(model, description)
        with writing(target) as incoming:
            copy(model, incoming)
            manifest.check(incoming, description)

    def document(self, version: Version, file: str) -> bytes | None:
        path = Path(version.documents) / file
        with named(path):
            return path.read_bytes() if path.is_file() else None

    def _documents(self, name: str, number: str) -> Path:
        """The folder of a version's newest documents."""
        folder = self.folder / name / number
        places = (path for path in inside(folder / "renewed") if not path.name.startswith("."))
        renewed = {path: _lineage(path).renewed for path in places}
        return max(renewed, key=lambda path: (renewed[path], path), default=folder)

    def _renew(self, name: str, number: str, artefact: Artefact) -> None:
        """Keep the documents of the same model that came about in another way."""
        first = _lineage(self.folder / name / number)
        lineage = artefact.lineage.model_copy(update={"created": first.created, "renewed": now()})
        incoming = self.folder / name / ".incoming"
        incoming.mkdir()
        _fill_documents(incoming, artefact.documents, lineage)
        place = self.folder / name / number / "renewed"
        place.mkdir(exist_ok=True)
        durable.rename(incoming, place / f"{len(list(place.iterdir())) + 1:06}")

    def _numbered_folders(self, name: str) -> Iterator[Path]:
        checked_name(name)
        return (path for path in inside(self.folder / name) if VERSION.fullmatch(path.name))

    def _aliases(self, name: str) -> list[str]:
        names = (path.name for path in inside(self.folder / name / "aliases"))
        return [alias for alias in names if not alias.startswith(".")]

    def _alias(self, name: str, alias: str) -> Path:
        return self.folder / checked_name(name) / "aliases" / alias

    def _read_alias(self, name: str, alias: str) -> str | None:
        """What an alias's file holds, '' if that is damaged; None if there is none."""
        path = self._alias(name, alias)
        try:
            return path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return "" if path.is_symlink() else None
        except (IsADirectoryError, ValueError):
            return ""

    def _version(
        self,
        name: str,
        number: str,
        aliases: Mapping[str, str | None],
        operations: Sequence[Operation],
    ) -> Version:
        folder = self.folder / name / number
        documents = self._documents(name, number)
        stored = _lineage(documents)
        return Version(
            name=name,
            number=number,
            uri=str(folder / "model"),
            aliases=tuple(sorted(alias for alias, to in aliases.items() if to == number)),
            artefact=manifest.read(folder / MANIFEST).digest,
            stored=stored,
            lineage=lineage_now(stored, number, operations),
            documents=str(documents),
        )

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        folder = self.folder / checked_name(name)
        (folder / "aliases").mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever left anything half written died: we hold the lock.
            remove(folder / ".incoming")
            for left in folder.glob("**/.*.tmp"):
                remove(left)
            yield


def inside(folder: Path) -> list[Path]:
    """What a folder holds, sorted; nothing if it is not there.

    Raises:
        PermissionError: it may not be read, which is not as if it were empty.
    """
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _fill(folder: Path, artefact: Artefact, description: manifest.Manifest) -> None:
    folder.mkdir()
    copy(artefact.model, folder / "model")
    # The copy is what will be served: prove it, not the original.
    manifest.check(folder / "model", description)
    durable.write(folder / MANIFEST, description.model_dump_json(indent=2))
    _fill_documents(folder, artefact.documents, artefact.lineage)


def _fill_documents(folder: Path, documents: Mapping[str, Path], lineage: Lineage) -> None:
    for name, source in documents.items():
        copy(source, folder / name)
    durable.write(folder / LINEAGE, lineage.model_dump_json(indent=2))


def _lineage(folder: Path) -> Lineage:
    path = folder / LINEAGE
    try:
        return Lineage.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(
            f"{path} cannot be read ({error}). Restore the file from a backup."
        ) from error


def _entry(path: Path) -> Entry:
    try:
        operation = Operation.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(
            f"{path} cannot be read ({error}). Restore the file from a backup: it says what was in "
            "production."
        ) from error
    return Entry(int(path.stem), operation, path.with_suffix(".done").exists())
