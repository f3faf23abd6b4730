"""What a stage reads and writes, declared once.

Its command line is made of it here, and its KFP component in `pipelines.dag.components`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class FinalStatus:
    """The kind of a parameter that KFP fills with how a task ended; the option gets JSON."""


@dataclass(frozen=True)
class Parameter:
    """A value. Lists and mappings come as JSON.

    Attributes:
        kind: str, int, list, dict or FinalStatus.
        default: for whoever leaves the option out; None for one that must be given.
    """

    name: str
    help: str
    kind: type = str
    default: str | int | None = None
    choices: Sequence[str] | None = None

    @property
    def required(self) -> bool:
        return self.default is None


@dataclass(frozen=True)
class Input:
    """A file or folder to read; None or a Path to the stage.

    Attributes:
        kind: name of KFP's artifact type: Dataset, Model, Artifact, HTML, Markdown.
    """

    name: str
    kind: str
    help: str
    required: bool = True


@dataclass(frozen=True)
class Output:
    """A file or folder to write; `kind` is also Metrics or ClassificationMetrics.

    Attributes:
        required: a pipeline always writes it; a person may leave out one that is not required.
    """

    name: str
    kind: str
    help: str
    required: bool = True


@dataclass(frozen=True)
class Result:
    """A value that the stage returns as text, in `StageResult.parameters`.

    Attributes:
        given: name of a parameter without which there is no such value; "" for one that is always.
    """

    name: str
    given: str = ""

    @property
    def required(self) -> bool:
        return not self.given


Port = Parameter | Input | Output | Result
TASKS = Parameter("tasks", "the phase's tasks: JSON list of {name, kind, labels}", list)
TIMEOUT = Parameter("timeout", "seconds; 0 for no limit", int, default=0)


def flag(name: str) -> str:
    """The option of an input or output."""
    return f"--{name.replace('_', '-')}"


def add_options(parser: argparse.ArgumentParser, interface: Sequence[Port]) -> None:
    """The command line of a stage."""
    for port in interface:
        if isinstance(port, Parameter):
            parser.add_argument(
                flag(port.name),
                type=integer if port.kind is int else str,
                required=port.required,
                default=port.default,
                choices=port.choices,
                help=port.help,
            )
        elif not isinstance(port, Result):
            parser.add_argument(
                flag(port.name), type=path_or_none, required=port.required, help=port.help
            )


def path_or_none(text: str) -> Path | None:
    """A path; '' is none."""
    return Path(text) if text else None


def integer(text: str) -> int:
    """A whole number, also one written as 3600.0: in a pipeline spec every number is a double."""
    number = float(text)
    if not number.is_integer():
        raise ValueError(f"{text} is no whole number")
    return int(number)
