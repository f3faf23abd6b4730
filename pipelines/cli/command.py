"""How every command describes itself: a flag has no type to name."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


def without_types(parameters: list[Any]) -> list[Any]:
    """The parameters, of which those that take no value show none."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


class Command(TyperCommand):
    """A command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return without_types(super().get_params(ctx))


class Group(TyperGroup):
    """Several commands under one name."""

    def get_params(self, ctx: Any) -> list[Any]:
        return without_types(super().get_params(ctx))
