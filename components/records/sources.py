"""Where annotations come from: naming, listing, fingerprinting and copying source files."""

from __future__ import annotations

import base64
import glob
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from components.errors import ConfigError, RemoteError
from components.settings import Settings

Format = Literal["auto", "prodigy", "labelstudio", "conll", "iob", "docbin"]


class Source(Settings):
    """Annotation files: a path, a glob or a gs:// URL, plain or .gz. A bare string is its path."""

    path: str = Field(min_length=1, description="a path, a glob or gs://bucket/prefix/*.jsonl")
    format: Format = Field(default="auto", description="auto tells the formats apart by content")

    @model_validator(mode="before")
    @classmethod
    def from_string(cls, value: Any) -> Any:
        """Let `annotations: [a.jsonl]` stand for `annotations: [{path: a.jsonl}]`."""
        return {"path": value} if isinstance(value, str) else value


@dataclass(frozen=True)
class SourceFile:
    """One file of a source.

    Attributes:
        path: a local path, or a URL such as gs://bucket/key.
        format: what the config says it is.
    """

    path: str
    format: Format

    @property
    def name(self) -> str:
        """The last part of the path, which positions in messages start with."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def remote(self) -> bool:
        return "://" in self.path

    @property
    def in_gcs(self) -> bool:
        return self.path.startswith(("gs://", "gcs://"))


@dataclass(frozen=True)
class Copy:
    """A source file as it was copied: `identity` is the identity of the bytes at `path`."""

    file: SourceFile
    path: Path
    identity: str


def list_files(sources: Sequence[Source]) -> list[SourceFile]:
    """Find the files of `sources`: in their order, those of a glob sorted, each file once.

    Raises:
        ConfigError: a source names no file.
        RemoteError: the storage service refused or failed.
    """
    found: dict[str, SourceFile] = {}
    for source in sources:
        for path in paths(source.path):
            found.setdefault(path, SourceFile(path, source.format))
    if not found:
        raise ConfigError("no annotations: give at least one source under `annotations`.")
    return list(found.values())


def paths(pattern: str) -> list[str]:
    """The files that one path or glob stands for, sorted; raises as `list_files` does."""
    matches = remote_paths(pattern) if "://" in pattern else local_paths(pattern)
    if not matches:
        raise ConfigError(
            f"{pattern}: no such file. Relative paths start at the config file's folder; "
            "correct `annotations`, or copy the export there."
        )
    return matches


def local_paths(pattern: str) -> list[str]:
    path = Path(pattern)
    if path.is_dir():
        raise ConfigError(f"{pattern}: is a folder. Name its files, e.g. {pattern}/*.jsonl.")
    if path.exists():
        return [pattern]
    # Path.glob takes no absolute pattern.
    matches = glob.glob(pattern, recursive=True)  # noqa: PTH207
    return sorted(match for match in matches if Path(match).is_file())


def remote_paths(pattern: str) -> list[str]:
    scheme = pattern.split("://", 1)[0]
    with remote_errors(pattern):
        system, path = open_system(pattern)
        try:
            if glob.has_magic(path):
                found = system.glob(path, detail=True).items()
            else:
                found = [(path, system.info(path))]
        except FileNotFoundError:
            return []
    return sorted(f"{scheme}://{name}" for name, info in found if info["type"] == "file")


def open_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of `url`, and the path in it. Listings are never cached."""
    import fsspec

    # gcsfs logs the trace of each attempt; what fails in the end is raised, and told once.
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
    system, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    # File systems are kept per process: a listing of an earlier call must not answer this one.
    system.invalidate_cache()
    return system, path


@contextmanager
def remote_errors(url: str) -> Iterator[None]:
    """Turn what fsspec and the cloud clients raise into one message."""
    try:
        yield
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{url}: cannot read it: {error}. Use gs:// or a local path.") from error
    except Exception as error:
        raise RemoteError(
            f"{url}: the storage service failed: {type(error).__name__}: {error}. Check the "
            "network, and that the credentials may list and read the bucket; then run again."
        ) from error


@contextmanager
def local_errors(path: str) -> Iterator[None]:
    """Turn a file that is gone, or that may not be read, into one message."""
    try:
        yield
    except (FileNotFoundError, PermissionError) as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error


def identity(file: SourceFile) -> str:
    """What tells these bytes from any others: SHA-256, or in GCS `generation:crc32c`.

    Nothing is downloaded from GCS.
    """
    if file.in_gcs:
        return gcs_identity(file)
    if file.remote:
        with remote_errors(file.path):
            system, path = open_system(file.path)
            with system.open(path, "rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
    with local_errors(file.path):
        return sha256(Path(file.path))


def gcs_identity(file: SourceFile) -> str:
    with remote_errors(file.path):
        system, path = open_system(file.path)
        info = system.info(path)
        return f"{info['generation']}:{info['crc32c']}"


def content_digest(files: Sequence[SourceFile], identities: Sequence[str]) -> str:
    """SHA-256, as hex, over names, formats and bytes; folders do not count."""
    parts = [[f.name, f.format, identity] for f, identity in zip(files, identities, strict=True)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def copy_files(files: Sequence[SourceFile], folder: Path) -> list[Copy]:
    """Copy raw source files to `folder`/000/name, …, read-only, beside a manifest.json."""
    copies = []
    for number, file in enumerate(files):
        target = folder / f"{number:03d}" / file.name
        target.parent.mkdir(parents=True)
        copies.append(Copy(file, target, copy_file(file, target)))
        target.chmod(0o444)
    manifest = [
        {"copy": str(c.path.relative_to(folder)), "source": c.file.path, "identity": c.identity}
        for c in copies
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return copies


def copy_file(file: SourceFile, target: Path) -> str:
    """Copy one file and return the identity of the bytes that were copied."""
    if not file.remote:
        with local_errors(file.path):
            shutil.copyfile(file.path, target)
        return sha256(target)
    before = gcs_identity(file) if file.in_gcs else ""
    with remote_errors(file.path):
        system, path = open_system(file.path)
        system.get_file(path, str(target))
    if not file.in_gcs:
        return sha256(target)
    generation, _, _ = before.partition(":")
    # The checksum of what arrived, not of what was promised: a change in between shows.
    return f"{generation}:{crc32c(target)}"


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def crc32c(path: Path) -> str:
    """CRC32C as GCS gives it: big-endian, base64."""
    import google_crc32c

    checksum = 0
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            checksum = google_crc32c.extend(checksum, chunk)
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()
