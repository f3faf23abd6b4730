"""Zip archives: each file in them is read as if it lay in a folder of the archive's name."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

from components.records.problems import StopReadingError

OFFICE = "[Content_Types].xml"  # is in every .xlsx and .docx
ZIP = b"PK\x03\x04"
BY_SYSTEMS = ("._", ".DS_Store")  # what names begin with that macOS adds


def unpack(path: Path, source: str, folder: Path, most: float) -> list[tuple[str, Path]]:
    """Unpack the files of an archive; return their names, sorted, and where they lie.

    Files keep their last name and lie in a folder of their own, but for those of one folder of the
    archive, which stay together.

    Args:
        most: bytes that it may unpack to.

    Raises:
        StopReadingError: it is damaged, packed with a password, or unpacks to too much.
    """
    unpacked = []
    try:
        with zipfile.ZipFile(path) as archive:
            if OFFICE in archive.namelist():
                raise StopReadingError(
                    "unknown_format", source, "it is a file of an office program: save it as CSV"
                )
            files = filter(wanted, archive.infolist())
            members = sorted(files, key=lambda member: member.filename)
            total = sum(member.file_size for member in members)
            if total > most:
                raise StopReadingError("unpacks_too_far", source, f"it unpacks to {total:,} bytes")
            folders: dict[tuple[str, ...], Path] = {}
            for member in members:
                *inside, name = parts_of(member)
                home = folders.setdefault(tuple(inside), folder / f"{len(folders):03d}")
                home.mkdir(exist_ok=True)
                target = home / name
                if target.exists():
                    detail = f"two files in it are called {member.filename}"
                    raise StopReadingError("corrupt_file", source, detail)
                with archive.open(member) as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file)
                unpacked.append((member.filename, target))
    except StopReadingError:
        raise
    except Exception as error:  # what zipfile raises depends on where the archive is damaged
        raise StopReadingError("corrupt_file", source, f"{error}") from error
    return unpacked


def wanted(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a file, and none that an operating system put there."""
    *folders, name = parts_of(member)
    return name != "" and "__MACOSX" not in folders and not name.startswith(BY_SYSTEMS)


def parts_of(member: zipfile.ZipInfo) -> list[str]:
    r"""The folders of a member, and its name; some programs of Windows write \ for /."""
    return re.split(r"[/\\]", member.filename)


def hidden(file: Path) -> bool:
    """Whether a file's name begins with a dot: that of a program's settings, not of annotations."""
    return file.name.startswith(".")


def is_of_brat(file: Path) -> bool:
    """Whether a file is the text of brat's annotations beside it, or brat's settings for them."""
    if file.suffix == ".conf":
        return any(file.parent.glob("*.ann"))
    return file.suffix == ".txt" and file.with_suffix(".ann").exists()
