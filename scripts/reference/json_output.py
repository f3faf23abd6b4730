"""The reference of what `--json` prints, from the shapes that tests hold real output to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scripts.reference.config import described, models_in
from scripts.reference.markdown import NOTICE, code, table
from scripts.reference.shapes import OUTPUTS
from scripts.reference.types import in_words

HEAD = f"""{NOTICE}

# --json reference

With `--json` a command prints one JSON value on stdout and everything else on stderr. Scores are
fractions, and unknown is `null`. Keys may be added: a program should pass over those that it does
not know. Exit codes are those of the [command line](command-line.md#exit-codes); a run that failed
prints its JSON, too.

## Commands
"""


def json_page() -> str:
    """The page, as Markdown."""
    rows = [[code(command), printed(shape)] for command, shape in OUTPUTS.items()]
    lines = [HEAD, *table(["command", "prints"], rows)]
    for model in shapes():
        lines += ["", f"## {model.__name__}", "", described(model), ""]
        keys = [row(name, field) for name, field in model.model_fields.items()]
        lines += table(["key", "type", "", "what it says"], keys)
    return "\n".join(lines) + "\n"


def printed(shape: Any) -> str:
    """What a command prints, with a link to the section that describes it."""
    words = in_words(shape)
    for model, _ in models_in(shape):
        link = f"[{model.__name__}](#{model.__name__.lower()})"
        words = "".join([words.removesuffix("mapping"), link])
    return words


def shapes() -> Iterator[type[BaseModel]]:
    """Each shape once, in the order in which they are met."""
    waiting = [model for shape in OUTPUTS.values() for model, _ in models_in(shape)]
    met: set[type[BaseModel]] = set()
    while waiting:
        model = waiting.pop(0)
        if model in met:
            continue
        met.add(model)
        yield model
        inner = [each for each, _ in inside(model)]
        waiting = inner + waiting


def inside(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str]]:
    """The shapes that a shape's keys have."""
    for field in model.model_fields.values():
        yield from models_in(field.annotation)


def row(name: str, field: FieldInfo) -> list[str]:
    """A key's row."""
    kind = field.annotation
    missing = "" if field.is_required() else "may be missing"
    if missing:  # its null is how the shape spells that
        [kind] = [each for each in get_args(kind) if each is not type(None)]
    return [code(name), printed(kind), missing, field.description or ""]
