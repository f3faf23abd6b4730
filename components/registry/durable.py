"""Writes that survive a power cut, where the file system has such a thing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from components.files import writing


def write(path: Path, text: str) -> None:
    """Write a text file whole or not at all, and have it on the disk."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        flush(temporary)
    flush(path.parent)


def rename(folder: Path, target: Path) -> None:
    """Rename a folder once all that is in it is on the disk."""
    for path in [*folder.rglob("*"), folder]:
        flush(path)
    folder.rename(target)
    flush(target.parent)


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # A mounted bucket has no such thing for folders.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
