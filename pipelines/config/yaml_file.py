"""A YAML file as plain data that still knows on which line each key stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.errors import ConfigError

Key = str | int
KeyPath = tuple[Key, ...]


class Loader(yaml.SafeLoader):
    """YAML 1.2 for the two traps of PyYAML's 1.1: a label NO is no boolean, 1e-4 is a number."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(true|false)$", re.I), list("tTfF")
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"([-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?|[-+]?\.inf|\.nan)$", re.I),
    list("-+.0123456789"),
)


def yaml_value(text: str) -> Any:
    """A YAML value as config files read it."""
    return yaml.load(text, Loader)  # noqa: S506 (Loader is a SafeLoader)


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
    file = read_one(path)
    if "extends" not in file.data:
        return file
    base = file.data.pop("extends")
    place = file.place(("extends",))
    if not isinstance(base, str) or Path(base).name != base:
        raise ConfigError(f"{place}: extends: expected the name of a file in the same folder")
    if path.parent / base == path:
        raise ConfigError(f"{place}: extends: a file can't extend itself")
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
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. Give the path of a config, e.g. configs/sample.yaml"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        places: dict[KeyPath, Place] = {}
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{path}:1: expected a YAML mapping (key: value) at the top")
        note_places(node, (), path, places)
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    finally:
        loader.dispose()
    return ConfigFile(path, data, places)


def note_places(node: yaml.Node, at: KeyPath, file: Path, places: dict[KeyPath, Place]) -> None:
    """Fill `places` for every key and list item under `node`; refuse a key written twice."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*at, key.value)
            place = Place(file, key.start_mark.line + 1)
            if path in places and key.value != "<<":
                first = places[path].line
                raise ConfigError(f"{place}: {dotted(path)}: written twice, first on line {first}")
            places[path] = place
            note_places(value, path, file, places)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            places[(*at, index)] = Place(file, value.start_mark.line + 1)
            note_places(value, (*at, index), file, places)


def dotted(path: KeyPath) -> str:
    """A key path as people write it: phases.phase-1.labels[0]."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text
