"""The reference of the pipeline config, from the classes that check it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from components.tasks import KINDS, kind_of
from pipelines.config.schema import STAGES, Compute, Phase, Pipeline
from scripts.reference.markdown import NOTICE, code, table
from scripts.reference.types import in_words, limits

HEAD = f"""{NOTICE}

# Config reference

Every key of a pipeline's config: its type, its default, an example and what it says. `retrain init`
writes a first config from an export, `retrain check` says what is wrong with one. An unknown key is
an error. Paths are relative to the config file.

Two keys at the top are read before the rest:

- `extends: FILE` takes another config of the same folder as the base; what is written here replaces
  it, key by key. A base extends no other.
- `defaults:` holds what every phase has unless it says otherwise; its keys are those of a phase.

`--set KEY=VALUE` of a command changes one value: `--set phases.phase-1.split.seed=1`.

`NAME` stands for a name of your own: lower case letters, digits and hyphens. The keys of a training
config (spaCy's own `.cfg`) are spaCy's: <https://spacy.io/api/data-formats#config>;
[training.md](../training.md) says which of them come from here.
"""


@dataclass(frozen=True)
class Section:
    """A mapping of the config.

    Attributes:
        path: where it is, such as `phases.NAME.split`; empty at the top.
        model: the class that checks it.
        skipped: keys that are described elsewhere.
        about: what it is for; empty: what the class says of itself.
    """

    path: str
    model: type[BaseModel]
    skipped: frozenset[str] = frozenset()
    about: str = ""

    def key(self, name: str) -> str:
        """A key's dotted path."""
        return f"{self.path}.{name}" if self.path else name

    def fields(self) -> dict[str, FieldInfo]:
        """The keys that are described here."""
        known = self.model.model_fields
        return {name: field for name, field in known.items() if name not in self.skipped}


def config_page() -> str:
    """The page, as Markdown."""
    lines = [HEAD]
    for section in sections():
        lines += [
            f"## {section.path or 'At the top'}",
            "",
            section.about or described(section.model),
            "",
        ]
        rows = (row(name, field) for name, field in section.fields().items())
        lines += [*table(["key", "type", "default", "example", "what it says"], rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def sections() -> Iterator[Section]:
    """Every mapping of the config, in the order of the classes, then a task of each kind."""
    yield from below(Section("", Pipeline))
    for kind in KINDS:
        task = kind_of(kind)
        about = (
            f"`kind: {kind}`, {task.title}: {described(task).splitlines()[0]} "
            f"Scores count {task.unit}: {task.exact}."
        )
        path = f"phases.NAME.tasks.NAME, of kind {kind}"
        yield Section(path, task.settings, skipped=frozenset({"name", "kind"}), about=about)


def below(section: Section) -> Iterator[Section]:
    """A section, and the sections inside it."""
    yield section
    for name, field in section.fields().items():
        if section.model is Phase and name == "tasks":
            continue  # what each kind of task knows has a section of its own
        for model, mark in models_in(field.annotation):
            if section.model is Compute:  # the stages' are all alike
                if name == STAGES[0]:
                    yield Section(section.key("STAGE"), model)
                continue
            yield from below(Section(section.key(name) + mark, model))


def models_in(kind: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The classes of settings in a type, with what follows the key: .NAME or [] or nothing."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind, ""
        return
    mark = {dict: ".NAME", list: "[]", tuple: "[]"}.get(get_origin(kind), "")
    for each in get_args(kind):
        for model, further in models_in(each):
            yield model, mark + further


def described(kind: type) -> str:
    """What a class says of itself."""
    return inspect.cleandoc(kind.__doc__ or "")


def row(name: str, field: FieldInfo) -> list[str]:
    """A key's row of the table."""
    return [
        code(name),
        kind_in_words(field),
        default_of(field),
        example_of(name, field),
        about(field),
    ]


def kind_in_words(field: FieldInfo) -> str:
    """The type of a key, with its bounds."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        return "section, below"
    bounds = "" if field.annotation is str else limits(field.metadata)
    return in_words(field.annotation) + (f", {bounds}" if bounds else "")


def default_of(field: FieldInfo) -> str:
    """The default of a key, or that it must be given."""
    if field.is_required():
        return "**required**"
    if field.default is None:
        return "not set"
    if isinstance(field.default, BaseModel) and not field.default.model_fields_set:
        return "those of its keys"
    return code(as_yaml(plain(field.default)))


def example_of(name: str, field: FieldInfo) -> str:
    """A key with a value that it may have, as it is written in a config."""
    value = example(field)
    return code(as_yaml({name: value})[1:-1]) if value is not None else ""


def example(field: FieldInfo) -> Any:
    """A value that a key may have: the one that the class gives, or else the obvious one.

    None for a section, whose keys have their own.
    """
    if field.examples:
        return field.examples[0]
    if isinstance(field.default, bool):
        return not field.default
    values = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    others = [value for value in values if value != field.default]
    if others:
        return others[0]
    if isinstance(field.default, BaseModel) or field.default in (None, "", {}, [], ()):
        return None
    return None if field.is_required() else plain(field.default)


def about(field: FieldInfo) -> str:
    """What a key says: its own line, or the first of the class of its section."""
    if field.description:
        return field.description
    models = [model for model, _ in models_in(field.annotation)]
    return described(models[0]).splitlines()[0] if models else ""


def plain(value: Any) -> Any:
    """A default as it would be written in YAML."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return TypeAdapter(Any).dump_python(value, mode="json")


def as_yaml(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return text.removesuffix("...\n").strip()
