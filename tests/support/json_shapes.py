"""Holds what commands print with `--json` in the process of the tests to docs/reference/json.md."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import TypeAdapter
from typer._click.globals import get_current_context

from scripts.reference.shapes import OUTPUTS


def hold() -> None:
    """From now on, in this process: a command whose output has another shape fails."""
    import pipelines.cli
    from pipelines.cli import options

    printed = options.print_json

    def print_json(value: Any) -> None:
        check(command(), value)
        printed(value)

    for name, module in list(sys.modules.items()):
        if name.startswith(pipelines.cli.__name__) and hasattr(module, "print_json"):
            module.print_json = print_json


def command() -> str:
    """The command that is running, with the service that it is asked about."""
    context = get_current_context()
    _, *words = context.command_path.split()
    where = str(context.params.get("where", "local"))
    plain = " ".join(["retrain", *words])
    elsewhere = (f"{plain} --where {place}" for place in (where, "vertex|kubeflow"))
    found = next((name for name in elsewhere if name in OUTPUTS), plain)
    return found if where != "local" else plain


def check(name: str, value: Any) -> None:
    """Raise pydantic.ValidationError where a command's output is not as the reference says."""
    if name in OUTPUTS:
        TypeAdapter(OUTPUTS[name]).validate_python(json.loads(json.dumps(value)), strict=False)
