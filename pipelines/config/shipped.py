"""The training configs that come with retrain: a config names one without a path or an ending."""

from __future__ import annotations

import re
from pathlib import Path

from components.errors import ConfigError

FOLDER = Path(__file__).with_name("training")


def is_name(config: str) -> bool:
    """Whether `train.config` names a shipped training config and not a file."""
    return re.fullmatch(r"[\w-]+", config) is not None


def shipped_config(name: str) -> Path:
    """The file of a shipped training config.

    Raises:
        ConfigError: there is none of that name.
    """
    path = FOLDER / f"{name}.cfg"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.cfg")))
        raise ConfigError(
            f"no training config named {name!r} comes with retrain; these do: {known}. "
            "A file of your own is named with its ending, e.g. mine.cfg."
        )
    return path
