"""`retrain run`: the whole pipeline on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, ConfigPath, Overrides, Phases, RunsFolder, print_json


def run(
    config: ConfigPath,
    phases: Phases = None,
    overrides: Overrides = None,
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
    out: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Run a config's pipeline here: the same spec as in the cloud, phases side by side.

    Ends with a table per phase, and where the models, the reports and the logs are. Stages whose
    input is as in an earlier run are reused. Interrupted? Run the same command again.
    """
    from rich.console import Console

    from pipelines.launch import run_config
    from pipelines.summary import print_failures, print_summary, summary

    console = Console(stderr=as_json)
    result = run_config(
        config,
        overrides or (),
        phases=phases,
        workers=workers,
        use_cache=not no_cache,
        out=out,
        in_containers=in_containers,
        console=console,
    )
    print_failures(result.failures)
    if as_json:
        print_json(summary(result.path))
    else:
        print_summary(result.path, console)
    raise typer.Exit(result.exit_code)
