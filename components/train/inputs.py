"""What a training run depends on: a checkpoint is of use only where all of it is the same."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.files import sha256
from components.own_code import own_digest
from components.tasks import module_of
from components.tasks.base import Task

LIBRARIES = ("numpy", "spacy", "spacy-transformers", "thinc", "torch", "transformers")


def inputs(
    *,
    config_text: str,
    overrides: dict[str, Any],
    code: str,
    packages: dict[str, str],
    champion: Path | None,
    corpora: list[Path],
    tasks: Sequence[Task],
) -> dict[str, str]:
    """Names and digests (or versions) of everything that decides the outcome of a run.

    The device is left out: a run may go on where another kind of machine is free.

    Args:
        code: the text of the user's own module.
        packages: pipelines that the config names, with their versions.
        champion: the folder of the model whose weights training starts from.
    """
    data = [(corpus / "manifest.json").read_text(encoding="utf-8") for corpus in corpora]
    return {
        "config": digest(config_text, overrides),
        "data": digest(data, [task.described.model_dump() for task in tasks]),
        "code": code_digest([task.kind for task in tasks]),
        **({"train.code": digest(code)} if code else {}),
        **({"champion": folder_digest(champion)} if champion else {}),
        **packages,
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def code_digest(kinds: Iterable[str]) -> str:
    """Digest of our code that trains, and of the modules of the kinds that it trains."""
    return own_digest(["components.train.run", *map(module_of, kinds)])


def folder_digest(folder: Path) -> str:
    """Hex SHA-256 over the names and contents of all files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest([[path.relative_to(folder).as_posix(), sha256(path)] for path in files])


def digest(*values: Any) -> str:
    """Hex SHA-256 of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
