"""Where annotations come from: naming, listing, fingerprinting and copying source files."""

from __future__ import annotations

import base64
import glob
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from components.errors import ConfigError, RemoteError
from components.files import sha256, write_json
from components.records import label_studio, prodigy_database
from components.secret_references import checked_reference
from components.settings import Settings

SPECIAL: dict[str, Callable[[Path], bool]] = {
    "a pipe (FIFO)": Path.is_fifo,
    "a socket": Path.is_socket,
    "a device": lambda path: path.is_char_device() or path.is_block_device(),
}

CHUNK = 1 << 20  # bytes read at once

Format = Literal[
    "auto",
    "prodigy",
    "labelstudio",
    "labelstudio-min",
    "conll",
    "iob",
    "docbin",
    "doccano",
    "spacy",
    "huggingface",
    "dataturks",
    "lighttag",
    "groundtruth",
    "argilla",
    "labelbox",
    "csv",
    "webanno",
    "brat",
    "brat-text",
    "features",
]
BRAT_TEXT: Format = "brat-text"
FEATURES: Format = "features"
COMPANIONS = (BRAT_TEXT, FEATURES)  # files that say something of others, and hold no records


def brat_text(path: str) -> str:
    """The file of the text that brat's .ann file annotates."""
    return path.removesuffix(".ann") + ".txt"


def checked_format(name: str) -> Format:
    """A format that is read.

    Raises:
        ConfigError: there is none of that name.
    """
    formats: list[Format] = [each for each in get_args(Format) if each not in COMPANIONS]
    for known in formats:
        if name == known:
            return known
    raise ConfigError(f"--format {name}: no such format. These are read: {', '.join(formats)}.")


def features_beside(path: Path) -> str:
    """The file that names the tags of a Hugging Face dataset, where it lies beside its rows."""
    features = path.with_name("dataset_info.json")
    return str(features) if path.is_file() and features.is_file() and path != features else ""


class Columns(Settings):
    """Which columns of CoNLL rows count, from 1."""

    word: int = Field(ge=1, le=100, description="the column of the word", examples=[1])
    tag: int = Field(ge=1, le=100, description="the column of the entity tag", examples=[4])


class Source(Settings):
    """Annotations: files (plain or .gz), a dataset of Prodigy, a project of Label Studio.

    A bare string is its path.
    """

    path: str = Field(
        min_length=1,
        description="a path, a glob, gs://bucket/prefix/*.jsonl, prodigy:DATASET, or "
        "labelstudio://HOST/PROJECT",
        examples=["exports/*.jsonl"],
    )
    format: Format = Field(
        default="auto",
        description="auto tells the formats apart by content",
        examples=["labelstudio"],
    )
    text: str = Field(
        default="",
        description="the key or column of the text, e.g. body of Label Studio data",
        examples=["body"],
    )
    label: str = Field(
        default="",
        description="the key or column of the class, in CSV and rows of JSON",
        examples=["topic"],
    )
    separator: str = Field(
        default="",
        description="what parts several classes in a cell of CSV; '' for | and ;",
        examples=[","],
    )
    columns: Columns | None = Field(
        default=None, description="columns of CoNLL rows", examples=[{"word": 1, "tag": 4}]
    )
    features: str = Field(
        default="",
        description="the file that names the tags of Hugging Face rows",
        examples=["dataset_info.json"],
    )
    split: Literal["", "train", "dev", "test"] = Field(
        default="",
        description="where all of these records go, whatever their own tags say, e.g. test for a "
        "set of your own to evaluate on; '' lets the tags and `split` decide",
        examples=["test"],
    )
    language: str = Field(
        default="",
        pattern="^([a-z]{2,3})?$",
        description="the language of its records whose meta.lang says none, where one model learns "
        "several",
        examples=["da"],
    )
    token: Annotated[str, AfterValidator(checked_reference)] = Field(
        default=label_studio.TOKEN,
        description="where the token of Label Studio stands: env:NAME, or "
        "projects/…/secrets/…/versions/latest",
        examples=["env:LABEL_STUDIO_API_KEY"],
    )

    @model_validator(mode="before")
    @classmethod
    def from_string(cls, value: Any) -> Any:
        """Let `annotations: [a.jsonl]` stand for `annotations: [{path: a.jsonl}]`."""
        return {"path": value} if isinstance(value, str) else value

    @property
    def unused(self) -> set[str]:
        """Keys that mean nothing for a source of this kind."""
        unused = set() if label_studio.is_project(self.path) else {"token"}
        unset = {"split": self.split, "language": self.language}
        return unused | {key for key, value in unset.items() if not value}


@dataclass(frozen=True)
class SourceFile:
    """One file of a source.

    Attributes:
        path: a local path, a URL such as gs://bucket/key, or what is read as if it were a file: a
            dataset of Prodigy, a project of Label Studio.
        format, text, columns, label, separator, features, token, split, language: what the config
            says of it.
    """

    path: str
    format: Format
    text: str = ""
    columns: Columns | None = None
    label: str = ""
    separator: str = ""
    features: str = ""
    token: str = label_studio.TOKEN
    split: str = ""
    language: str = ""

    @property
    def name(self) -> str:
        """The last part of the path, which positions in messages start with."""
        if prodigy_database.is_dataset(self.path):
            return prodigy_database.file_name(self.path)
        if label_studio.is_project(self.path):
            return label_studio.file_name(self.path)
        return self.path.rsplit("/", 1)[-1]

    @property
    def remote(self) -> bool:
        """Whether it is an object of a storage service."""
        return "://" in self.path and not label_studio.is_project(self.path)

    @property
    def project(self) -> label_studio.Project:
        """The project of Label Studio that it is."""
        return label_studio.Project(self.path, self.token)

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

    Of two sources that name a file, the first says how it is read, but one that says its split
    wins: a set to evaluate on may lie among the others that a glob names.

    Raises:
        ConfigError: a source names no file, or two say another split of one.
        RemoteError: the storage service refused or failed.
    """
    files: dict[str, SourceFile] = {}
    for source in sources:
        for path in paths(source.path, source.token):
            file = file_of(path, source)
            before = files.setdefault(path, file)
            if file.split and before.split not in ("", file.split):
                raise ConfigError(
                    f"{path}: is said to be of {before.split} and of {file.split}. Correct "
                    "`annotations`."
                )
            if file.split:
                files[path] = replace(file, language=file.language or before.language)
            if path.endswith(".ann"):
                text = brat_text(path)
                files.setdefault(text, SourceFile(text, BRAT_TEXT))
        for path in paths(source.features) if source.features else ():
            files.setdefault(path, SourceFile(path, FEATURES))
    if not files:
        raise ConfigError("no annotations: give at least one source under `annotations`.")
    return list(files.values())


def file_of(path: str, source: Source) -> SourceFile:
    """One file of a source."""
    return SourceFile(
        path,
        source.format,
        source.text,
        source.columns,
        source.label,
        source.separator,
        source.features,
        source.token,
        source.split,
        source.language,
    )


def paths(pattern: str, token: str = label_studio.TOKEN) -> list[str]:
    """The files that one path or glob stands for, sorted; raises as `list_files` does."""
    if label_studio.is_project(pattern):
        label_studio.Project(pattern, token).check()
        return [pattern]
    if prodigy_database.is_dataset(pattern):
        next(prodigy_database.lines(pattern), b"")  # that it is there
        return [pattern]
    remote = "://" in pattern
    matches = remote_paths(pattern) if remote else local_paths(pattern)
    if not matches:
        advice = (
            "Check the bucket with `gcloud storage ls`, and correct `annotations`."
            if remote
            else "Relative paths start at the config file's folder; correct `annotations`, or copy "
            "the export there."
        )
        raise ConfigError(f"{pattern}: no such file. {advice}")
    return matches


def local_paths(pattern: str) -> list[str]:
    with local_errors(pattern):
        if Path(pattern).exists():
            check_type(pattern)
            return [pattern]
        # Path.glob takes no absolute pattern.
        matches = glob.glob(pattern, recursive=True)  # noqa: PTH207
        matches = sorted(match for match in matches if not Path(match).is_dir())
    for match in matches:
        check_type(match)
    return matches


def check_type(path: str) -> None:
    """Refuse what is there and no file: to open a FIFO would wait for ever."""
    if Path(path).is_dir():
        raise folder_error(path)
    if not Path(path).is_file():
        kind = next(
            (name for name, is_it in SPECIAL.items() if is_it(Path(path))), "something else"
        )
        raise ConfigError(f"{path}: is no file but {kind}. Name a file, or copy it into one.")


def folder_error(path: str) -> ConfigError:
    return ConfigError(f"{path}: is a folder. Name its files, e.g. {path.rstrip('/')}/*.jsonl.")


def remote_paths(pattern: str) -> list[str]:
    scheme = pattern.split("://", 1)[0]
    with remote_errors(pattern):
        system, path = open_system(pattern)
        # As on disk: an object or a folder may be called like a pattern.
        named = literal(system, path)
        matches = named or globbed(system, path)
        files = sorted(name for name, info in matches.items() if info["type"] == "file")
    if named and not files:
        raise folder_error(pattern)
    return [f"{scheme}://{name}" for name in files]


def literal(system: Any, path: str) -> dict[str, Any]:
    """The one thing that is called exactly so, and what is known of it; empty if there is none."""
    try:
        info = system.info(path)
    except FileNotFoundError:
        return {}
    return {path: info}


def globbed(system: Any, pattern: str) -> dict[str, Any]:
    """What a pattern matches, and what is known of it; empty if it is none."""
    if not glob.has_magic(pattern):
        return {}
    try:
        return dict(system.glob(pattern, detail=True))
    except FileNotFoundError:  # no such bucket
        return {}


def open_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of `url`, and the path in it. Listings are never cached."""
    import fsspec

    # gcsfs logs the trace of each attempt; what fails in the end is raised, and reported once.
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
    """Turn a file that is gone, or that cannot be read, into one message."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path!r}: cannot be read: {reason}.") from error


def identity(file: SourceFile) -> str:
    """What tells these bytes from any others: SHA-256, or in GCS `generation:crc32c`.

    Nothing is downloaded from GCS.
    """
    if lines := lines_of(file, None):
        digest = hashlib.sha256()
        for line in lines:
            digest.update(line)
        return digest.hexdigest()
    if file.in_gcs:
        return gcs_identity(file)
    if file.remote:
        with remote_errors(file.path):
            system, path = open_system(file.path)
            with system.open(path, "rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
    with local_errors(file.path):
        return sha256(Path(file.path))


def lines_of(file: SourceFile, store: Path | None) -> Iterator[bytes] | None:
    """The lines of a source that is read as if it were a file of JSON Lines; None for a file."""
    if prodigy_database.is_dataset(file.path):
        return prodigy_database.lines(file.path)
    if label_studio.is_project(file.path):
        return file.project.read(label_studio.place_of(file.path, store) if store else None)
    return None


def gcs_identity(file: SourceFile) -> str:
    with remote_errors(file.path):
        system, path = open_system(file.path)
        info = system.info(path)
        return f"{info['generation']}:{info['crc32c']}"


def content_digest(files: Sequence[SourceFile], identities: Sequence[str]) -> str:
    """SHA-256, as hex, over names, bytes and what the config says of each; folders do not count."""
    parts = [
        [file.name, file.format, identity, *said_of(file)]
        for file, identity in zip(files, identities, strict=True)
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def said_of(file: SourceFile) -> list[Any]:
    """What the config says of a file beyond its format; what it leaves out changes no digest."""
    columns = [file.columns.word, file.columns.tag] if file.columns else []
    classes = [file.label, file.separator] if file.label or file.separator else []
    features = [["features", file.features.rsplit("/", 1)[-1]]] if file.features else []
    split = [["split", file.split]] if file.split else []
    language = [["language", file.language]] if file.language else []
    said = [file.text, columns, *classes, *features, *split, *language]
    return said if any(said) else []


def companion(path: Path, source: str) -> Path | None:
    """The copy of another source in the snapshot that `path` is part of; None if there is none."""
    manifest = path.parents[1] / "manifest.json"
    if manifest.exists():
        for entry in json.loads(manifest.read_text(encoding="utf-8")):
            if entry["source"] == source:
                return manifest.parent / str(entry["copy"])
    return None


def copy_files(files: Sequence[SourceFile], folder: Path, store: Path | None = None) -> list[Copy]:
    """Copy raw source files to `folder`/000/name, …, beside a manifest.json.

    Args:
        store: a folder that stays, in which a source may remember what was read of it.
    """
    copies = []
    for number, file in enumerate(files):
        target = folder / f"{number:03d}" / file.name
        target.parent.mkdir(parents=True)
        copies.append(Copy(file, target, copy_file(file, target, store)))
    manifest = [
        {"copy": str(c.path.relative_to(folder)), "source": c.file.path, "identity": c.identity}
        for c in copies
    ]
    write_json(folder / "manifest.json", manifest)
    return copies


def copy_file(file: SourceFile, target: Path, store: Path | None = None) -> str:
    """Copy one file and return the identity of the bytes that were copied."""
    if lines := lines_of(file, store):
        with target.open("wb") as copied:
            copied.writelines(lines)
        return sha256(target)
    if not file.remote:
        # Only the source's own faults are the config's: a full disk is not.
        with ExitStack() as files:
            with local_errors(file.path):
                source = files.enter_context(Path(file.path).open("rb"))
            copied = files.enter_context(target.open("wb"))
            while chunk := read_chunk(source, file.path):
                copied.write(chunk)
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


def read_chunk(source: BinaryIO, path: str) -> bytes:
    """The next piece of a file; b"" at its end."""
    with local_errors(path):
        return source.read(CHUNK)


def crc32c(path: Path) -> str:
    """CRC32C as GCS gives it: big-endian, base64."""
    import google_crc32c

    checksum = 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            checksum = google_crc32c.extend(checksum, chunk)
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()
