"""Conditions as kfp compiles them."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import ConfigError
from pipelines.local.runner.conditions import parse

TEXT = "inputs.parameter_values['pipelinechannel--a-v']"
NUMBER = "int(inputs.parameter_values['n'])"


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        (f"{TEXT} == 'promote'", {"pipelinechannel--a-v": "promote"}, True),
        (f"!({TEXT} == 'promote')", {"pipelinechannel--a-v": "promote"}, False),
        (f"{TEXT} != ''", {"pipelinechannel--a-v": ""}, False),
        (f"{NUMBER} > 3", {"n": 4}, True),
        (f"{NUMBER} > 3 && {NUMBER} <= 4", {"n": 5}, False),
        (f"!({NUMBER} < 0) && !({NUMBER} > 3)", {"n": 2}, True),
        ("inputs.parameter_values['x'] >= double(1)", {"x": 1.5}, True),
        ("inputs.parameter_values['x'] > -1.5e-3", {"x": 0.0}, True),
        ("inputs.parameter_values['b'] == true", {"b": False}, False),
        ("'a' < 'b'", {}, True),
        ("", {}, True),
    ],
)
def test_condition(condition: str, values: dict[str, Any], holds: bool) -> None:
    assert all(comparison.holds(values) for comparison in parse(condition)) == holds


@pytest.mark.parametrize(
    "condition",
    [
        "true",
        f"{TEXT} == 'it's'",
        f"{TEXT} == 'a' || {TEXT} == 'b'",
        f"!({TEXT} == 'a'",
        f"{TEXT} in ['a']",
        f"{TEXT} == 'a' && ",
        f"size({TEXT}) > 1",
    ],
)
def test_anything_else_is_refused(condition: str) -> None:
    with pytest.raises(ConfigError, match="cannot be evaluated"):
        parse(condition)
