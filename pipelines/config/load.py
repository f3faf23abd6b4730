"""From a config file and `--set` options to a checked Pipeline, or to errors with their lines."""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from components.errors import ConfigError
from pipelines.config.image_lock import use_locked_images
from pipelines.config.languages import changes_of
from pipelines.config.schema import Phase, Pipeline
from pipelines.config.shipped import is_name, shipped_config
from pipelines.config.yaml_file import ConfigFile, merged, read_config_file
from pipelines.config.yaml_text import KeyPath, YamlFaultError, dotted, parse_yaml

# Linux takes no argument of a command that is longer than 128 KiB.
LONGEST = 100_000
# Others may stand in a training config, too.
SPACY_SECTIONS = (
    "paths",
    "system",
    "nlp",
    "components",
    "corpora",
    "training",
    "pretraining",
    "initialize",
)


@dataclass(frozen=True)
class Loaded:
    """A checked config, and the folder that its relative paths are relative to.

    Attributes:
        training_configs: phase -> text of its spaCy config.
        training_code: phase -> text of its module of registered functions; '' without one.
    """

    path: Path
    pipeline: Pipeline
    training_configs: dict[str, str]
    training_code: dict[str, str]

    @property
    def folder(self) -> Path:
        """The folder of the config file."""
        return self.path.resolve().parent


def load(path: Path, overrides: Sequence[str] = ()) -> Loaded:
    """Read, override and check a config file.

    Args:
        path: the YAML file.
        overrides: `KEY=VALUE` options; `phases.<phase>.<spaCy section>.<key>` reaches into the
            phase's training config, as in `phases.phase-1.training.max_steps=100`.

    Raises:
        ConfigError: every problem found, one a line, each with file, line and key.
    """
    file = read_config_file(path)
    data = with_defaults(file)
    for override in overrides:
        apply_override(data, override)
    use_locked_images(data, file.path.parent)
    try:
        pipeline = Pipeline.model_validate(data)
    except ValidationError as error:
        raise ConfigError(explain(error, file)) from None
    configs = {
        name: text_beside(file, ("phases", name, "train", "config"), phase.train.config)
        for name, phase in pipeline.phases.items()
    }
    for name, phase in pipeline.phases.items():
        if phase.language and is_name(phase.train.config):
            phase.train.set.update(changes_of(phase.language, configs[name], phase.train.set))
    code = {
        name: text_beside(file, ("phases", name, "train", "code"), phase.train.code)
        if phase.train.code
        else ""
        for name, phase in pipeline.phases.items()
    }
    return Loaded(file.path, pipeline, configs, code)


def with_defaults(file: ConfigFile) -> dict[str, Any]:
    """The file's data with its `defaults` merged under each phase."""
    data = dict(file.data)
    defaults = data.pop("defaults", {})
    phases = data.get("phases", {})
    for name, value in (("defaults", defaults), ("phases", phases)):
        if not isinstance(value, dict):
            raise ConfigError(f"{file.place((name,))}: {name}: expected a mapping")
    # An empty phase (`phase-3:`) is null in YAML; it takes everything from the defaults.
    # Each phase gets its own copy: an override of one must not reach the others.
    data["phases"] = {
        name: copy.deepcopy(merged(defaults, phase or {})) for name, phase in phases.items()
    }
    return data


def apply_override(data: dict[str, Any], override: str) -> None:
    """Put one `KEY=VALUE` into the data; the value is read as YAML."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override}: expected KEY=VALUE, e.g. phases.phase-1.split.seed=1")
    try:
        value, _ = parse_yaml(text)
    except YamlFaultError as fault:
        raise ConfigError(f"--set {override}: {text!r} is not a YAML value: {fault}") from None
    *parents, last = override_path(data, key)
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {override}: {parent} is not a section")
    data[last] = value


def override_path(data: dict[str, Any], key: str) -> list[str]:
    """Split a dotted key; what names no key of a phase belongs to its training config."""
    parts = key.split(".")
    if parts[0] != "phases" or len(parts) < 3:
        return parts
    if parts[1] not in data["phases"]:
        raise ConfigError(
            f"--set {key}: no phase {parts[1]!r}.{did_you_mean(parts[1], data['phases'])} "
            f"The phases are {', '.join(data['phases'])}"
        )
    if parts[2:4] == ["train", "set"] and len(parts) > 4:
        return [*parts[:4], ".".join(parts[4:])]
    if parts[2] not in Phase.model_fields and len(parts) > 3:
        meant = did_you_mean(parts[2], [*Phase.model_fields, *SPACY_SECTIONS])
        if meant and parts[2] not in SPACY_SECTIONS:
            raise ConfigError(
                f"--set {key}: {parts[2]!r} is no key of a phase and no section of its spaCy "
                f"config.{meant}"
            )
        return [*parts[:2], "train", "set", ".".join(parts[2:])]
    return parts


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question with the word that is most like one, after a space; "" if none is."""
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def text_beside(file: ConfigFile, key: KeyPath, name: str) -> str:
    """The text of what a config names: a training config, shipped or its own, or a module."""
    place = file.place(in_defaults(key, file))
    try:
        shipped = key[-1] == "config" and is_name(name)
        path = shipped_config(name) if shipped else file.path.parent / name
    except ConfigError as error:
        raise ConfigError(f"{place}: {dotted(key)}: {error}") from None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, a NUL in the name
        raise ConfigError(
            f"{place}: {dotted(key)}: can't read {path}: {error}. Give a file relative to this one."
        ) from None
    if "{{$" in text:
        raise ConfigError(
            f"{place}: {dotted(key)}: {path} holds '{{{{$', and KFP would put something in place"
            " of what begins so. Write it in another way, e.g. in two texts."
        )
    if len(text.encode()) > LONGEST:
        raise ConfigError(
            f"{place}: {dotted(key)}: {path} has more than {LONGEST:,} bytes, and a task gets it "
            "on its command line. Make a package of what is long and install it in the image."
        )
    return text


def explain(error: ValidationError, file: ConfigFile) -> str:
    """One line per problem: file, line, key, what is wrong, what was expected."""
    return "\n".join(explain_one(problem, file) for problem in error.errors())


def explain_one(problem: Any, file: ConfigFile) -> str:
    """One problem of a pydantic error as a sentence."""
    path: KeyPath = tuple(problem["loc"])
    place = file.place(in_defaults(path, file))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = known_keys(path[:-1])
        hint = did_you_mean(str(path[-1]), known)
        message = f"unknown key.{hint} Known here: {', '.join(known)}"
    elif problem["type"] == "missing":
        message = "missing: add this key"
    elif problem["type"] == "value_error" and ", not " in message:
        pass  # our own words have it
    elif not isinstance(problem["input"], dict | list):
        message += f", not {as_yaml(problem['input'])}"
        if problem["type"] == "string_type":
            message += ". Quote it if it is a text"
    return f"{place}: {dotted(path) or 'the config'}: {message}"


def as_yaml(value: Any) -> str:
    """A scalar as YAML spells it, where Python spells it otherwise."""
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def in_defaults(path: KeyPath, file: ConfigFile) -> KeyPath:
    """Where a phase's key was really written: in the phase itself or under `defaults`."""
    if len(path) > 2 and path[0] == "phases":
        shared = ("defaults", *path[2:])
        if path not in file.places and shared in file.places:
            return shared
    return path


def known_keys(path: KeyPath) -> list[str]:
    """The keys that the schema knows at `path`."""
    kind: Any = Pipeline
    for key in path:
        if model := model_of(kind):
            field = model.model_fields.get(str(key))
            kind = field.annotation if field else None
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
    model = model_of(kind)
    return list(model.model_fields) if model else []


def model_of(kind: Any) -> type[BaseModel] | None:
    """The settings class in an annotation such as `X`, `X | None` or `Annotated[X, …]`."""
    candidates = (kind,) if get_origin(kind) in (None, dict, list) else get_args(kind)
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
