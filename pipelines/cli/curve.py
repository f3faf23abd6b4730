"""`retrain curve`: would more annotations help?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    Overrides,
    Quiet,
    RunsFolder,
    Verbose,
    print_json,
    verbosity,
)


def curve(
    config: ConfigPath = DEFAULT_CONFIG,
    phase: Annotated[
        str | None,
        typer.Option("--phase", metavar="NAME", help="The phase; not needed if there is only one."),
    ] = None,
    percents: Annotated[
        list[int] | None,
        typer.Option(
            "--percent",
            metavar="PERCENT",
            help="Percent of the training documents. May be repeated; by default 25, 50, 75, 100.",
        ),
    ] = None,
    overrides: Overrides = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Tasks at the same time.", show_default="the number of cores"),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    out: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Train on growing parts of the data: would more annotations help, and for which labels?"""
    from rich.console import Console

    from components.errors import ConfigError
    from components.html.format import percent
    from pipelines.cli.tables import print_table
    from pipelines.config.load import load
    from pipelines.local.live_view import listener
    from pipelines.results.console import print_failures
    from pipelines.results.learning_curve import advise, read_curve, run_curve, write_page

    loaded = load(config, overrides or ())
    names = [phase] if phase else list(loaded.pipeline.phases)
    if len(names) != 1:
        raise ConfigError(f"name one of the phases with --phase: {', '.join(names)}")
    asked = percents or [25, 50, 75, 100]
    view = listener(Console(stderr=as_json), verbosity(quiet, verbose), out)
    result = run_curve(loaded, names[0], asked, workers=workers, out=out, view=view)
    if result.exit_code:
        print_failures(result.failures)
        raise typer.Exit(result.exit_code)
    points = read_curve(result.path, asked)
    advice = advise(points)
    page = write_page(result.path, names[0], points, advice)
    if as_json:
        print_json({"advice": [asdict(one) for one in advice], "page": str(page)})
        return
    rows = [
        [name, *(percent(point.rows.get(name, {}).get("f")) for point in points)]
        for name in points[0].rows
    ]
    print_table(["F", *(f"{point.documents} documents>" for point in points)], rows)
    for one in advice:
        print(f"{one.label}: {one.text}")
    print(f"page: {page}")
