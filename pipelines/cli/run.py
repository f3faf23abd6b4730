"""`retrain run`: the whole pipeline on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from components.errors import GateError
from pipelines.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    Overrides,
    Parameters,
    Phases,
    Quiet,
    RunsFolder,
    Verbose,
    print_json,
    verbosity,
)


def run(
    config: ConfigPath = DEFAULT_CONFIG,
    phases: Phases = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            metavar="NAME",
            help="Train only this task of a phase with several; its model is MODEL-NAME. May be "
            "repeated.",
        ),
    ] = None,
    overrides: Overrides = None,
    parameters: Parameters = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Tasks at the same time.", show_default="the number of cores"),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Run every stage, whatever was run before.")
    ] = False,
    in_containers: Annotated[
        bool,
        typer.Option("--in-containers", help="Each task in its image, as a cluster runs it."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 if a model is not in production then.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    out: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Run a config's pipeline here: the same spec as in the cloud, phases side by side.

    Ends with a table per phase, and where the models, the reports and the logs are. Stages whose
    input is as in an earlier run are reused. Interrupted? Run the same command again.
    """
    from rich.console import Console

    from pipelines import api
    from pipelines.results.console import print_failures, print_summary
    from pipelines.results.outcome import NOT_PROMOTED

    console = Console(stderr=as_json)
    done = api.run(
        config,
        overrides=overrides or (),
        parameters=parameters or (),
        phases=phases,
        tasks=tasks,
        workers=workers,
        use_cache=not no_cache,
        out=out,
        in_containers=in_containers,
        console=console,
        verbosity=verbosity(quiet, verbose),
    )
    if not quiet:
        print_failures(done.result.failures)
    if as_json:
        print_json(api.report(done.id, out=out))
    elif quiet:
        for outcome in done.outcomes.values():
            print(f"{outcome.phase}: {outcome.message}")
    else:
        print_summary(done.folder, console)
    held = any(outcome.end in NOT_PROMOTED for outcome in done.outcomes.values())
    raise typer.Exit(done.exit_code or (GateError.exit_code if strict and held else 0))
