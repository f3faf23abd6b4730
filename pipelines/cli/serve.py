"""`retrain serve`: models of this machine behind the server that Vertex AI runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import RunsFolder


def serve(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_OR_MODEL...",
            help="A run (or latest), a registered model (NAME, NAME@VERSION), or a model's folder. "
            "Several are served together; where entities overlap, the first wins.",
        ),
    ],
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    out: RunsFolder = Path("runs"),
    registry: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of the models here.")
    ] = Path("models"),
) -> None:
    """Serve models here, with a page to paste a text and see what they say of it.

    The same server as in the image for Vertex AI: POST /predict takes {"instances": ["a text"]}.
    """
    import os

    from containers.serve.__main__ import serve as serve_models
    from containers.serve.options import from_environment
    from pipelines.results.served import sources_of

    sources = [source for one in references for source in sources_of(one, out, registry)]
    here = {"AIP_HTTP_PORT": str(port), "RETRAIN_SERVE_PAGE": "1", "RETRAIN_SERVE_DRAIN": "0"}
    print(f"Open http://{host}:{port} and paste a text; Ctrl-C stops the server.", flush=True)
    serve_models(from_environment({**os.environ, **here}), sources, host)
