"""docs/reference is made from the code, says something of every key, and its examples are true."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer.main
from pydantic import BaseModel, create_model

from pipelines.cli import app
from scripts.reference import command_line, config
from scripts.reference.pages import FOLDER, pages
from scripts.reference.shapes import OUTPUTS

KEYS = {
    section.key(name): (section, name) for section in config.sections() for name in section.fields()
}


@pytest.mark.parametrize("name", pages())
def test_a_page_is_current(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], "run `make reference`"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_says_what_it_is_for_and_has_an_example_that_is_accepted(key):
    section, name = KEYS[key]
    field = section.fields()[name]
    assert config.about(field)
    value = config.example(field)
    if value is None:
        inside = [model for model, _ in config.models_in(field.annotation)]
        assert inside, f"{key}: give it `examples` in {section.model.__name__}"
        assert all(issubclass(model, BaseModel) for model in inside)
    else:
        kind = Annotated[field.annotation, None, *field.metadata]
        create_model("One", key=(kind, ...)).model_validate({"key": value})


def test_every_command_that_prints_json_has_its_shape_described():
    prints = {
        name
        for name, command in command_line.commands(typer.main.get_command(app), "retrain")
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert prints == {name.partition(" --where")[0] for name in OUTPUTS}
