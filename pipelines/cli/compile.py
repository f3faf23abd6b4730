"""`retrain compile`: the pipeline spec of a config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DEFAULT_CONFIG, ConfigPath, Overrides


def compile(
    config: ConfigPath = DEFAULT_CONFIG,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write the spec.")
    ],
    overrides: Overrides = None,
) -> None:
    """Compile a config to a pipeline spec for Vertex AI, Kubeflow or this machine.

    The same config gives the same bytes. Upload the file in the console, or send it with
    your own tools.
    """
    from components.files import writing
    from pipelines.config.load import load
    from pipelines.services.kubeflow.volume import package

    spec = package(load(config, overrides or ()))
    with writing(output) as path:
        path.write_text(spec, encoding="utf-8")
    print(f"Wrote {output}")
