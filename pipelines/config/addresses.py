"""Sources that are no files, copied to where `retrain init` can read them as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.records import label_studio, prodigy_database
from components.records.sources import Source, copy_files, list_files


def is_address(path: str) -> bool:
    """Whether it names a dataset of Prodigy or a project of Label Studio."""
    return label_studio.is_project(path) or prodigy_database.is_dataset(path)


def local_copies(paths: Sequence[str | Path], folder: Path) -> list[tuple[Path, str]]:
    """Files to read, each with how a config names it where it is a copy; "" for files of their own.

    Args:
        folder: where copies are put.

    Raises:
        ConfigError: there is no such project or dataset, or no token.
        RemoteError: a server does not answer.
    """
    copies: list[tuple[Path, str]] = []
    for number, path in enumerate(paths):
        if not is_address(str(path)):
            copies.append((Path(path), ""))
            continue
        [copy] = copy_files(list_files([Source(path=str(path))]), folder / str(number))
        copies.append((copy.path, str(path)))
    return copies
