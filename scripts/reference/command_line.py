"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from components import errors
from pipelines.cli import app
from scripts.reference.markdown import NOTICE, code, table

HEAD = f"""{NOTICE}

# Command line reference

Every command, argument and option of `retrain`. `retrain COMMAND --help` prints the same.
[json.md](json.md) says what `--json` prints.

## Exit codes
"""
OPTIONS = {"--help", "--install-completion", "--show-completion"}  # of every command, or typer's


def command_line_page() -> str:
    """The page, as Markdown."""
    lines = [HEAD, *exit_codes()]
    for name, command in commands(typer.main.get_command(app), "retrain"):
        lines += ["", f"## {name}", "", *described(name, command)]
    return "\n".join(lines) + "\n"


def exit_codes() -> list[str]:
    """The table of exit codes, from the errors that have them."""
    kinds = (errors.ConfigError, errors.DataError, errors.GateError, errors.RemoteError)
    rows = [[str(kind.exit_code), inspect.getdoc(kind) or ""] for kind in kinds]
    other = "Any other fault, and a place that cannot be written: a full disk, a read-only folder."
    stopped = "Stopped: the terminal was closed, Ctrl-C, SIGTERM."
    first = [["0", "It went well. A model that the gate holds back is a result, not an error."]]
    return table(["code", "meaning"], [*first, ["1", other], *rows, ["129, 130, 143", stopped]])


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name, in the order of `--help`."""
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        yield name, command
    for key, below in inner.items():
        if not below.hidden:
            yield from commands(below, f"{name} {key}")


def described(name: str, command: Any) -> list[str]:
    """What a command does, how it is called, and its arguments and options."""
    visible = [each for each in command.params if not each.hidden and not OPTIONS & {*each.opts}]
    arguments = [each for each in visible if each.param_type_name == "argument"]
    options = [each for each in visible if each.param_type_name == "option"]
    words = [name, *map(usage, arguments), *(usage(each) for each in options if each.required)]
    words += ["[OPTIONS]"] * any(not each.required for each in options)
    lines = [*inspect.cleandoc(command.help or "").splitlines(), "", code(" ".join(words))]
    if visible:
        rows = [[code(spelt(each)), default(each), each.help or ""] for each in visible]
        lines += ["", *table(["", "default", ""], rows)]
    return lines


def usage(parameter: Any) -> str:
    """A parameter as it stands in the line of use."""
    if parameter.param_type_name == "option":
        return spelt(parameter)
    name = spelt(parameter)
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def spelt(parameter: Any) -> str:
    """A parameter as it is written: `--phase NAME`, `CONFIG`."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {parameter.metavar or kind(parameter)}"


def kind(parameter: Any) -> str:
    """What an option's value is, where no word was chosen for it."""
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, enum.EnumType):
        return "|".join(str(each.value) for each in [*annotation])
    return {int: "NUMBER", float: "NUMBER"}.get(annotation, "TEXT")


def default(parameter: Any) -> str:
    """What holds where a parameter is left out."""
    if parameter.required:
        return "**required**"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if parameter.default is None or parameter.default == "" or parameter.default is False:
        return ""
    return code(str(getattr(parameter.default, "value", parameter.default)))
