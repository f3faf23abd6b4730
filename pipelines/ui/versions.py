"""One version of a model: what it is, and its files to download."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from components.custom_code import FILE_NAME
from components.errors import DataError
from components.registry.base import Version, known, numbered
from components.registry.promotion import past_of
from pipelines.ui.archive import Sent, add, opened
from pipelines.ui.models import Place, line_of
from pipelines.ui.site import Site
from pipelines.ui.writing import RefusedError

_packaging = threading.Lock()


def version_of(place: Place, number: str) -> Version:
    """The version that a URL means.

    Raises:
        RefusedError: there is none.
    """
    version = numbered(known(place.open(), place.name), number)
    if version is None:
        raise RefusedError(404, f"{place.name} has no version {number!r}.")
    return version


def page_of(site: Site, place: Place, version: Version) -> dict[str, Any]:
    """What the page of a version shows."""
    withdrawn = past_of(place.open(), place.name, place.alias).withdrawn
    files = files_of(version)
    unpacked = f"{version.name}-{version.number}"
    brings_code = any(name == FILE_NAME for _, name in files)
    code = f'spacy.util.import_file("code", "{unpacked}/{FILE_NAME}"); ' if brings_code else ""
    return {
        "place": place,
        "line": line_of(site, version, withdrawn=version.number in withdrawn),
        "url": f"{place.url}/{version.number}",
        "megabytes": sum(path.stat().st_size for path, _ in files) / 1e6,
        "use": f'{code}nlp = spacy.load("{unpacked}")',
    }


def files_of(version: Version) -> list[tuple[Path, str]]:
    """The files of a version's model, and what they are called in it."""
    folder = Path(version.uri)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [(path, path.relative_to(folder).as_posix()) for path in files]


def packed(place: Place, version: Version) -> Iterator[bytes]:
    """The bytes of a ZIP of a version's model, as it lies in the registry, packed while sent.

    Raises:
        DataError: a file is missing or damaged; before anything is sent.
    """
    place.open().verify(version)
    return bytes_of(version)


def bytes_of(version: Version) -> Iterator[bytes]:
    """See `packed`; weights hardly get smaller, so nothing is compressed."""
    sent = Sent()
    with ZipFile(sent, "w") as archive:
        for path, name in files_of(version):
            file = opened(path, name, Path(version.uri).resolve())
            if isinstance(file, str):
                raise DataError(f"{path}: {file}.")
            with file:
                yield from add(archive, sent.take, file, f"{version.name}-{version.number}/{name}")
    yield sent.take()


def wheel_of(place: Place, version: Version, folder: Path) -> Path:
    """Make a wheel in a process of its own: it needs spaCy, which this app has no use for.

    Raises:
        DataError: it cannot be made.
    """
    command = [
        *(sys.executable, "-m", "pipelines", "models", "package"),
        *(f"--registry={place.location}", f"--output={folder}", "--", place.name, version.number),
    ]
    with _packaging:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise DataError(f"No wheel was made: {done.stderr.strip()[-1000:]}")
    return wheels[0]
