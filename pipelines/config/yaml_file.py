"""A YAML file as plain data that still knows on which line each key stands."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.errors import ConfigError
from pipelines.config.yaml_text import KeyPath, YamlFaultError, parse_yaml


@dataclass(frozen=True)
class Place:
    """A line of a file, as "file:line"."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class ConfigFile:
    """The merged content of a config file, and where each of its keys was written."""

    path: Path
    data: dict[str, Any]
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """Where the value at `path`, or else its nearest parent, was written."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(self.path, 1)


def read_config_file(path: Path) -> ConfigFile:
    """Read a YAML file, and under it the file in the same folder that its `extends` names.

    Raises:
        ConfigError: the file is missing or is not a YAML mapping with unique keys.
    """
    # All that a config names is relative to the file itself, not to a link to it.
    path = path.resolve() if path.is_symlink() else path
    file = read_one(path)
    if "extends" not in file.data:
        return file
    base = file.data.pop("extends")
    place = file.place(("extends",))
    if not isinstance(base, str) or Path(base).name != base:
        raise ConfigError(f"{place}: extends: expected the name of a file in the same folder")
    if path.parent / base == path:
        raise ConfigError(f"{place}: extends: a file can't extend itself")
    if not os.path.isfile(path.parent / base):  # noqa: PTH113 (Path raises on names too long)
        raise ConfigError(f"{place}: extends: no file {base} in this folder")
    below = read_one(path.parent / base)
    if "extends" in below.data:
        raise ConfigError(f"{place}: extends: {base} extends another file; one level is allowed")
    return ConfigFile(path, merged(below.data, file.data), {**below.places, **file.places})


def merged(below: Any, above: Any) -> Any:
    """`above` over `below`: mappings merge key by key, anything else replaces."""
    if isinstance(below, dict) and isinstance(above, dict):
        keys = {**below, **above}
        return {
            key: merged(below[key], above[key])
            if key in below and key in above
            else above.get(key, below.get(key))
            for key in keys
        }
    return above


def read_one(path: Path) -> ConfigFile:
    """Read one YAML file with the line of each key."""
    if not os.path.isfile(path):  # noqa: PTH113 (Path raises on names too long)
        what = "is no file" if os.path.exists(path) else "no such file"  # noqa: PTH110
        raise ConfigError(f"{path}: {what}. Name a config; `retrain init` writes one.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    try:
        data, lines = parse_yaml(text)
    except YamlFaultError as fault:
        where = f"{path}:{fault.line}:{fault.column}"
        raise ConfigError(f"{where}: {fault.detail}.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: expected a YAML mapping (key: value) at the top")
    return ConfigFile(path, data, {key: Place(path, line) for key, line in lines.items()})
