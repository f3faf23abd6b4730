"""What a training config names besides functions and weights: packages, and files that it may not.

A file that only one machine has can't travel to another, and nothing would notice that it changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy.util import is_package, walk_dict
from thinc.api import Config

from components.errors import ConfigError

# spaCy reads these as the name of a package or as a path.
PIPELINES = ("initialize.vectors", "initialize.init_tok2vec")


def packages(config: Config) -> dict[str, str]:
    """Installed pipelines that a config takes vectors or components from -> version.

    Raises:
        ConfigError: it names a file or folder instead; only the pipeline fills in paths.
    """
    versions = {}
    # What [paths] holds is read where it is used: paths.train and paths.dev are the pipeline's.
    for key, value in texts(config.interpolate()):
        if key in PIPELINES or key.endswith(".source"):
            if not is_package(value):
                raise ConfigError(refusal(key, value))
            versions[value] = version(value.replace("_", "-"))
        elif "/" in value and not key.startswith("paths.") and Path(value).exists():
            raise ConfigError(refusal(key, value))
    return versions


def texts(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text in a config with its dotted key, but for the corpora of the pipeline."""
    own = {config["paths"][key] for key in ("train", "dev")}
    for key, value in walk_dict(config):
        if isinstance(value, str) and not (key[0] == "corpora" and value in own):
            yield ".".join(key), value


def refusal(key: str, value: str) -> str:
    """Why a file may not be named, and what to do instead."""
    return (
        f"training config: {key}: {value!r} is no installed package but a file or folder of one "
        "machine: it is not there on another, and a change of it would go unnoticed. Make a "
        "package of it (`spacy package`), install it where training runs, and give its name."
    )
