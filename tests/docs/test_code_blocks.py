"""Code blocks of the documentation: run by a test or marked as not, and true as far as can be told.

Commands are held to the command line, configs to the schema; nothing is run here.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer.main
import yaml
from pydantic import BaseModel, create_model
from thinc.api import Config

from components.tasks import kind_of
from pipelines.cli import app
from pipelines.config.schema import Phase, PhaseTask, Pipeline
from scripts.reference.config import models_in
from tests.docs.blocks import Block, blocks, commands, indented

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("docs/**/*.md")]
BLOCKS = [block for page in PAGES for block in blocks(page)]
RUN = re.compile(r"run: (tests/\S+\.py|make \w+)$")
LANGUAGES = {"bash", "python", "yaml", "json", "ini", "text", "mermaid"}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def name(block: Block) -> str:
    return f"{block.page.relative_to(ROOT)}:{block.line}"


def of(*languages: str) -> Any:
    chosen = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_its_language_and_whether_it_is_run(page: Path) -> None:
    assert indented(page) == [], f"{page}: fence the code that begins on these lines"
    for block in blocks(page):
        assert block.language in LANGUAGES, name(block)
        if block.language in ("bash", "python"):
            assert block.mark, (
                f"{name(block)}: put `<!-- not run: WHY -->` or `run: TEST` before it"
            )
        if block.mark.startswith("run: "):
            assert RUN.match(block.mark), name(block)
            test = block.mark.removeprefix("run: ")
            assert test.startswith("make ") or (ROOT / test).is_file(), name(block)


@of("bash")
def test_a_command_is_one_that_there_is(block: Block) -> None:
    for command in commands(block.code):
        for part in re.split(r" (?:&&|\|\||\||&) ", command):
            words = plain(part)
            if words and words[0] == "retrain":
                known_to_retrain(words[1:])
            elif words and words[0] == "make":
                assert {word for word in words[1:] if "=" not in word} <= TARGETS, command
            elif words and words[0] == "python":
                known_to_python(words[1:])


def plain(command: str) -> list[str]:
    """The words of a command, without variables before it, the folder of .venv and redirections."""
    try:
        words = shlex.split(re.sub(r"\s[<>].*$", "", command))
    except ValueError:  # a piece of a longer text, such as the body of a request
        return []
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    if words:
        words[0] = re.sub(r"^(\.venv/bin/)?(python)[\d.]*$", r"\2", words[0])
        words[0] = words[0].removeprefix(".venv/bin/")
    return words


def known_to_retrain(words: list[str]) -> None:
    """Parse a command line of retrain's; what it names need not be there."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    command.make_context("retrain", [word for word in words if word not in ("…", "--help")])


def known_to_python(words: list[str]) -> None:
    """Look for the module or the file that is run."""
    if words[:1] == ["-m"] and words[1] not in ("venv", "pip"):
        assert importlib.util.find_spec(words[1]), words
    elif words and words[0].endswith(".py"):
        assert (ROOT / words[0]).is_file(), words


@of("python")
def test_python_is_python(block: Block) -> None:
    ast.parse(block.code)


@of("json")
def test_json_is_json(block: Block) -> None:
    json.loads(block.code.replace("…", ""))


@of("ini")
def test_a_training_config_is_one(block: Block) -> None:
    sections = {found.split(".")[0] for found in re.findall(r"^\[([\w.]+)\]", block.code, re.M)}
    parents = "".join(f"[{section}]\n" for section in sections if f"[{section}]" not in block.code)
    Config().from_str(parents + block.code, interpolate=False)


@of("yaml")
def test_a_config_has_keys_and_values_of_the_schema(block: Block) -> None:
    data = yaml.safe_load(block.code)
    assert isinstance(data, dict), name(block)
    data.pop("extends", None)
    model = Pipeline if {*data} & {*Pipeline.model_fields, "defaults"} else Phase
    hold(model, data, ())


def hold(model: type[BaseModel], data: dict[str, Any], at: tuple[str, ...]) -> None:
    """Hold a piece of a config to a class; what is required may be missing."""
    for key, value in data.items():
        here = (*at, str(key))
        if model is Pipeline and key == "defaults":
            hold(Phase, value, here)
        elif model is Pipeline and key == "images" and "lock" in value:
            assert [*value] == ["lock"]
        else:
            assert key in model.model_fields, ".".join(here)
            hold_value(model, key, value, here)


def hold_value(model: type[BaseModel], key: str, value: Any, at: tuple[str, ...]) -> None:
    """Hold the value of a key."""
    field = model.model_fields[key]
    for inner, mark in models_in(field.annotation):
        for place, piece in pieces(value, mark):
            if inner is PhaseTask:
                kind = kind_of(piece.get("kind", "ner"))
                hold(kind.settings, {k: v for k, v in piece.items() if k != "kind"}, (*at, place))
            elif isinstance(piece, dict):
                hold(inner, piece, (*at, place))
        return
    kind = Annotated[field.annotation, None, *field.metadata]
    create_model("One", key=(kind, ...)).model_validate({"key": value})


def pieces(value: Any, mark: str) -> Iterator[tuple[str, Any]]:
    """The mappings that a value holds: itself, or its values."""
    if mark == ".NAME":
        yield from value.items()
    elif mark == "[]":
        yield from ((str(place), piece) for place, piece in enumerate(value))
    else:
        yield "", value
