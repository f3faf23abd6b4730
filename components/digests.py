"""Digests of files and folders by content: what tells one input from another, wherever it lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from components.errors import DataError
from components.files import sha256


def files_in(folder: Path) -> dict[str, str]:
    """Path below the folder, with forward slashes -> SHA-256, for every file in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in paths}


def digest_of(files: Mapping[str, str]) -> str:
    """One digest over names and digests, in hex, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()


def content_digest(path: Path) -> str:
    """The digest of a file, or of the names and contents of a folder's files.

    Raises:
        DataError: there is nothing.
    """
    if path.is_file():
        return sha256(path)
    files = files_in(path)
    if not files:
        raise DataError(f"{path}: there is no such file, or no file in it.")
    return digest_of(files)


def check(expected: str, **inputs: Path) -> None:
    """Compare inputs with what the stage that wrote them has recorded; '' is not compared.

    Raises:
        DataError: they are something else. A cache that mixed up two runs shows here.
    """
    if expected and together(**inputs) != expected:
        raise DataError(
            f"{', '.join(map(str, inputs.values()))}: not what the stage before wrote (another "
            "digest). It was damaged or changed since; run again without the cache."
        )


def together(**parts: Path) -> str:
    """The digest of a file or folder; of several, by their names."""
    digests = {name: content_digest(path) for name, path in parts.items()}
    return digest_of(digests) if len(digests) > 1 else next(iter(digests.values()))
