"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.config.default import DEFAULT_CONFIG as DEFAULT_CONFIG

if TYPE_CHECKING:
    from pipelines.local.live_view import Verbosity

ConfigPath = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="A pipeline config, as `retrain init` writes one.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one value, e.g. phases.NAME.split.seed=1; what is no key of a phase is one "
        "of its spaCy config, e.g. training.max_steps after phases.NAME. May be repeated.",
    ),
]
Phases = Annotated[
    list[str] | None,
    typer.Option("--phase", metavar="NAME", help="Only this phase. May be repeated."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param", metavar="KEY=VALUE", help="A parameter of the pipeline. May be repeated."
    ),
]
RunsFolder = Annotated[
    Path, typer.Option("--out", metavar="FOLDER", help="Folder of the runs on this machine.")
]
ModelsFolder = Annotated[
    Path | None,
    typer.Option(
        "--registry",
        metavar="FOLDER",
        help="Folder of the models here.",
        show_default="that of the config, or models",
    ),
]
TextKey = Annotated[
    str,
    typer.Option("--text", metavar="KEY", help="Key or column of the text.", show_default="text"),
]
RunReference = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, an unambiguous part of it, or latest")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only what came of it.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="What the tasks write, too.")]
Open = Annotated[bool, typer.Option("--open", help="Open the pages in your browser.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text.")]


def print_json(value: Any) -> None:
    """Print a value as indented JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def verbosity(quiet: bool, verbose: bool) -> Verbosity:
    """How much a command shows of what goes on.

    Raises:
        ConfigError: both were asked for.
    """
    from components.errors import ConfigError

    if quiet and verbose:
        raise ConfigError("--quiet and --verbose cannot be given together.")
    return "quiet" if quiet else "verbose" if verbose else "normal"


def pick_phases(asked: list[str] | None, there: list[str]) -> list[str]:
    """The phases that were asked for, or all."""
    from components.errors import ConfigError

    unknown = sorted({*(asked or ())} - {*there})
    if unknown:
        raise ConfigError(f"--phase {', '.join(unknown)}: there is only {', '.join(there)}.")
    return asked or there


def open_pages(pages: list[Path]) -> None:
    """Open pages in the browser."""
    import webbrowser

    for page in pages:
        webbrowser.open(page.resolve().as_uri())
