"""`retrain pull`: a run on Vertex AI, brought back to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DEFAULT_CONFIG, ConfigPath, Phases


def pull(
    config: ConfigPath = DEFAULT_CONFIG,
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run; else what made the models in production."),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to put it.")
    ] = Path("pulled"),
    phases: Phases = None,
) -> None:
    """Bring annotations, training config and model of a run on Vertex AI to this machine.

    Every phase gets a folder: model (for spacy.load; config.cfg in it is the training config),
    annotations (the raw files that the run read), pulled.json (where it comes from). Interrupted?
    Run the same command again.
    """
    from components.custom_code import how_to_load
    from pipelines.config.load import load
    from pipelines.services.vertex.pull import pull as bring

    for phase, version in bring(load(config), run or "", phases or [], output).items():
        print(
            f"{phase}: version {version.number} of {version.name} from {version.lineage.run}: "
            f"{how_to_load(output / phase / 'model')}"
        )
