"""The schema that editors go by: it knows every config of ours, and a typo from a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipelines.config.json_schema import json_schema

ROOT = Path(__file__).parents[3]
VALIDATOR = Draft202012Validator(json_schema())


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("config", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
def test_it_accepts_our_configs(config: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(config.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("{name: a, phases: {p: {lables: [X]}}}", ["phases", "p"]),
        ("{name: a, phases: {p: {gate: {min_f: high}}}}", ["phases", "p", "gate", "min_f"]),
        ("{name: a, phases: {p: }, defaults: {split: {test: 0.2, sed: 1}}}", ["defaults", "split"]),
        ("{name: a}", []),
    ],
)
def test_it_knows_what_is_wrong(text: str, at: list[Any]) -> None:
    places = [
        list(one.absolute_path)
        for error in VALIDATOR.iter_errors(yaml.safe_load(text))
        for one in (error, *(error.context or ()))
    ]
    assert at in places


def test_what_a_base_has_need_not_be_said_again() -> None:
    VALIDATOR.validate({"extends": "base.yaml", "vertex": {"project": "mine"}})
