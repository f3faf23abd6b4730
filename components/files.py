"""Outputs that are there whole or not at all, on a disk and in a bucket mounted as a folder.

Under /gcs a file belongs to whoever mounted the bucket: another user may not set its mode or times,
no folder can be renamed, there are no links and no locks, and an object appears when it is closed,
even half of one whose writer was killed. So names and bytes are all that is ever copied, and what
is for a bucket is written on this machine first.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.errors import DataError, WriteError

FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSALS = (*FULL, errno.EROFS, errno.EACCES, errno.EPERM)
FAULTS = (*REFUSALS, errno.EIO)  # a person can act on, as one message and no traceback
MOUNTS = Path("/proc/self/mounts")


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; put what is there in the place of `path` when the block succeeds.

    The block creates a file or a folder there. On an error the temporary is removed and whatever
    stood at `path` before still stands.

    Raises:
        WriteError: the disk is full, or this user may not write there.
    """
    with allowed(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not mounted(path.parent):
            with beside(path) as temporary:
                yield temporary
            return
        with TemporaryDirectory() as folder:
            temporary = Path(folder) / path.name
            yield temporary
            if temporary.is_dir():
                remove(path)
                copy(temporary, path)
            else:
                with beside(path) as arrived:
                    shutil.copyfile(temporary, arrived)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place when the block succeeds."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    remove(temporary)
    try:
        yield temporary
        if temporary.is_dir():
            remove(path)
        temporary.replace(path)
    except BaseException:
        remove(temporary)
        raise


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill over time: `folder` itself, which is made.

    For a bucket it is one on this machine, and what it holds in the end, even after an error, is
    copied: an object that grows would be uploaded again at each line.
    """
    with allowed(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not mounted(folder):
            yield folder
            return
        with TemporaryDirectory() as local:
            try:
                yield Path(local)
            finally:
                copy(Path(local), folder)


@contextmanager
def allowed(path: Path) -> Iterator[None]:
    """Say in one message that a path cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS or not Path(error.filename or path).is_relative_to(
            path.parent
        ):
            raise
        raise WriteError(refusal(path, error)) from error


def refusal(path: str | Path, error: OSError) -> str:
    """Why a path cannot be read or written, and what to do."""
    if isinstance(error, PermissionError):
        if unreadable(Path(path)):
            return (
                f"{path}: user {os.geteuid()} may not read it ({error.strerror}). Let this user "
                "read it with chmod or chown, or run the command as its owner."
            )
        return (
            f"{path}: user {os.geteuid()} may not write there ({error.strerror}). Run the image as "
            "root, as it is by default, or mount the bucket or volume so that this user may write: "
            "docs/containers.md."
        )
    if error.errno == errno.EIO:
        return (
            f"{path}: {error.strerror}. The disk or the mount fails: check it, and restore the "
            "file from a backup if it cannot be read any more."
        )
    advice = "Choose a folder that may be written to"
    if error.errno in FULL:
        advice = "Make room, and run the same command again: what is done is not done twice"
    return f"{path}: cannot be written: {error.strerror}. {advice}."


def unreadable(path: Path) -> bool:
    """Whether a path is there, as far as can be told, and may not be read."""
    if not os.access(path.parent, os.X_OK):
        return os.path.lexists(path.parent)
    return os.path.lexists(path) and not os.access(path, os.R_OK)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Name the file in the error of a disk that does not give its content, which names none."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EIO and not error.filename:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, document: Any) -> None:
    """Write JSON for people and programs, whole or not at all; NaN is refused."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    if not text.isascii() and text != text.encode(errors="ignore").decode():
        # A file's name need not be UTF-8: Python holds such bytes as half characters.
        text = json.dumps(document, allow_nan=False, indent=1)
    write_text(path, f"{text}\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: it is missing or no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error}).") from error


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with named(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder into one: names and bytes, never modes, times or links."""
    if not source.is_dir():
        with named(source):
            shutil.copyfile(source, target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        copy(path, target / path.name)


def mounted(folder: Path) -> bool:
    """Whether a folder is in a FUSE file system, as a bucket under /gcs is."""
    if not MOUNTS.is_file():
        return False
    kinds = {}
    for line in MOUNTS.read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split()
        # A space in a path is written as \040.
        kinds[Path(place.encode().decode("unicode_escape"))] = kind
    above = [folder.resolve(), *folder.resolve().parents]
    return next(kinds[path] for path in above if path in kinds).startswith("fuse")


def remove(path: Path) -> None:
    """Remove a file, a link or a folder; a missing path is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
