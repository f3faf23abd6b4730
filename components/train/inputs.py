"""What a training run depends on: a checkpoint is of use only where all of it is the same."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "spacy", "spacy-transformers", "thinc", "torch", "transformers")


def inputs(
    *, config_text: str, overrides: dict[str, Any], corpora: list[Path], labels: list[str]
) -> dict[str, str]:
    """Names and digests (or versions) of everything that decides the outcome of a run.

    The device is left out: a run may go on where another kind of machine is free.
    """
    data = [(corpus / "manifest.json").read_text(encoding="utf-8") for corpus in corpora]
    code = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]
    return {
        "config": digest(config_text, overrides),
        "data": digest(data, labels),
        "code": digest(code),
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def digest(*values: Any) -> str:
    """Hex SHA-256 of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
