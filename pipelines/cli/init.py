"""`retrain init`: a config for your own annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    annotations: Annotated[
        Path, typer.Argument(metavar="ANNOTATIONS", help="An export, e.g. from `prodigy db-out`.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to write it; stdout if left out."
        ),
    ] = None,
) -> None:
    """Write a config for your own export: its labels with their counts, sensible defaults.

    Reads Prodigy JSONL, Label Studio JSON, CoNLL or IOB columns and spaCy DocBin files. A file that
    exists is never overwritten.
    """
    from components.errors import ConfigError
    from components.files import writing
    from pipelines.config.profile import survey
    from pipelines.config.scaffold import starter

    if not annotations.is_file():
        raise ConfigError(f"{annotations}: no such file. Give an annotation export.")
    if output and output.exists():
        raise ConfigError(f"{output}: is already there. Choose another name, or remove it first.")
    folder = output.parent if output else Path()
    text = starter(annotations, folder, survey(annotations))
    if output is None:
        print(text, end="")
        return
    with writing(output) as path:
        path.write_text(text, encoding="utf-8")
    print(f"Wrote {output}\nNext: read it, then: retrain check {output} && retrain run {output}")
