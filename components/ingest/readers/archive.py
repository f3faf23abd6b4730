"""Zip archives: each file in them is read as if it lay in a folder of the archive's name."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from components.records.problems import StopReadingError

OFFICE = "[Content_Types].xml"  # is in every .xlsx and .docx
ZIP = b"PK\x03\x04"
MOST_UNPACKED = 200  # times the archive's own size


def unpack(path: Path, source: str, folder: Path) -> list[tuple[str, Path]]:
    """Unpack the files of an archive; return their names, sorted, and where they lie.

    Files keep their last name and lie in a folder of their own, but for those of one folder of the
    archive, which stay together.

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
            members = sorted((m for m in archive.infolist() if wanted(m)), key=lambda m: m.filename)
            total = sum(member.file_size for member in members)
            if total > MOST_UNPACKED * max(path.stat().st_size, 1000):
                raise StopReadingError("unpacks_too_far", source, f"it unpacks to {total:,} bytes")
            folders: dict[str, Path] = {}
            for member in members:
                inside, _, name = member.filename.rpartition("/")
                home = folders.setdefault(inside, folder / f"{len(folders):03d}")
                home.mkdir(exist_ok=True)
                target = home / name
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
    parts = member.filename.split("/")
    return not member.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")


def is_of_brat(file: Path) -> bool:
    """Whether a file is the text of brat's annotations beside it, or brat's settings for them."""
    if file.suffix == ".conf":
        return any(file.parent.glob("*.ann"))
    return file.suffix == ".txt" and file.with_suffix(".ann").exists()
