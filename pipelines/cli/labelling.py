"""`retrain labelling`: a config's tasks as a labelling config, and as Prodigy's command lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import ConfigPath


def labelling(
    config: ConfigPath,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The XML to write; stdout if left out."
        ),
    ] = None,
    phase: Annotated[
        str, typer.Option(metavar="NAME", help="Which phase, where there are several.")
    ] = "",
) -> None:
    """Write the labelling config with which Label Studio asks for the tasks of a phase.

    Prints Prodigy's command lines for the same tasks, too. A file that exists is never overwritten.
    `retrain init FILE` reads the XML again.
    """
    from components.errors import ConfigError
    from components.files import writing
    from pipelines.config.load import load
    from pipelines.labelling.prodigy import OF_QUEUE, commands
    from pipelines.labelling.writing import labelling_config

    if output and output.exists():
        raise ConfigError(f"{output}: is already there. Choose another name, or remove it first.")
    phases = load(config, ()).pipeline.phases
    name = phase or (next(iter(phases)) if len(phases) == 1 else "")
    if name not in phases:
        wrong = f"there is no phase {phase!r}" if phase else "there are several phases"
        raise ConfigError(f"{config}: {wrong}. Name one with --phase: {', '.join(phases)}.")
    chosen = phases[name]
    text = labelling_config(chosen.all_tasks, chosen.field)
    said = sys.stdout if output else sys.stderr
    if output:
        with writing(output) as path:
            path.write_text(text, encoding="utf-8")
        print(f"Wrote {output}: paste it into Label Studio, Settings, Labeling Interface, Code.")
    else:
        print(text, end="")
    print("With Prodigy:", file=said)
    print(f"  # for what `retrain queue` chose, the recipe retrain.queue of {OF_QUEUE}", file=said)
    for line in commands(chosen.all_tasks, name, chosen.ingest.language):
        print(f"  {line}", file=said)
