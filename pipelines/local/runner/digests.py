"""Digests of files and folders by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

ABSENT = "absent"


def content_digest(path: Path) -> str:
    """SHA-256 over a file, or over the names and contents of all that a folder holds.

    Times and permissions do not count. A path that does not exist has the digest "absent".
    """
    if not path.exists():
        return ABSENT
    digest = hashlib.sha256()
    for entry in _entries(path):
        name = entry.relative_to(path).as_posix()
        # Name and kind go in with their length, so that no two trees give the same bytes.
        kind = "folder" if entry.is_dir() else "file" if entry.is_file() else "other"
        head = f"{kind} {len(name.encode())} {name}\n".encode()
        digest.update(head)
        if kind == "file":
            with entry.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _entries(path: Path) -> Iterator[Path]:
    """The path itself and, for a folder, everything below it, sorted; links are followed."""
    yield path
    if not path.is_dir():
        return
    for folder, folders, files in os.walk(path, followlinks=True):
        folders.sort()
        for name in sorted([*folders, *files]):
            yield Path(folder, name)
