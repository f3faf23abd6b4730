"""The list of a model's files with their SHA-256: its identity, and the proof that it is whole."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from components.digests import digest_of, files_in
from components.errors import DataError
from components.files import sha256


class Manifest(BaseModel):
    """The files of one model.

    Attributes:
        files: path below the model's folder, with forward slashes -> SHA-256 in hex.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    files: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the names and contents of all files: equal for equal models."""
        return digest_of(self.files)


def describe(folder: Path) -> Manifest:
    """List the files below a model's folder.

    Raises:
        DataError: the folder is missing or empty.
    """
    files = files_in(folder)
    if not files:
        raise DataError(f"{folder}: there is no model here; the train stage writes one.")
    return Manifest(files=files)


def check(folder: Path, manifest: Manifest) -> None:
    """Compare a model's folder with its manifest.

    Raises:
        DataError: a file is missing, has changed, or was added: spaCy might run it.
    """
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise DataError(damage(str(path), "is missing"))
        if sha256(path) != expected:
            raise DataError(damage(str(path), "is not what was uploaded (its SHA-256 differs)"))
    exact(folder, manifest)


def exact(folder: Path, manifest: Manifest) -> None:
    """Refuse a model's folder that holds what its manifest does not list, or a link.

    What a link leads to may become something else at any time, and a registry makes none.

    Raises:
        DataError: it does.
    """
    for path in sorted(folder.rglob("*")):
        listed = path.relative_to(folder).as_posix() in manifest.files
        if path.is_symlink() or not (listed or path.is_dir()):
            raise DataError(damage(str(path), "was not uploaded with the model"))


def damage(path: str, what: str) -> str:
    """The message for a file of a registered model that cannot be trusted."""
    return (
        f"{path} {what}. Restore the file from a backup, or put another version in production "
        "with `retrain models rollback` or `retrain models promote`."
    )


def read(path: Path) -> Manifest:
    """Read a manifest file.

    Raises:
        DataError: the file is missing or is not a manifest.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(damage(str(path), f"cannot be read as a manifest ({error})")) from error
