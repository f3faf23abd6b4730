"""`retrain schema`: the JSON Schema of a config, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import print_json


def schema(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to write it.", show_default="stdout"
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of a config, by which editors complete and check one.

    `retrain init` writes it next to the config and names it in the first line, which the YAML
    language server of VS Code, Neovim, Emacs and others reads.
    """
    from components.files import write_json
    from pipelines.config.json_schema import json_schema

    if output is None:
        print_json(json_schema())
        return
    write_json(output, json_schema())
    print(f"Wrote {output}")
