"""`retrain serve`: models of this machine behind the server that Vertex AI runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import ModelsFolder, RunsFolder


def serve(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_OR_MODEL...",
            help="A run (or latest), a registered model (NAME, NAME@VERSION), or a model's folder. "
            "Several are served together; where entities overlap, the first wins.",
        ),
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")
    ] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    out: RunsFolder = Path("runs"),
    registry: ModelsFolder = None,
) -> None:
    """Serve models here, with a page to paste a text and see what they say of it.

    The same server as in the image for Vertex AI: POST /predict takes {"instances": ["a text"]}.
    """
    import os

    from containers.serve.__main__ import serve as serve_models
    from containers.serve.options import from_environment
    from pipelines import api

    sources = [
        source for one in references for source in api.sources(one, out=out, registry=registry)
    ]
    here = {"AIP_HTTP_PORT": str(port), "RETRAIN_SERVE_PAGE": "1", "RETRAIN_SERVE_DRAIN": "0"}

    def announce(port: int) -> None:
        address = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
        print(f"Ready: open http://{address}:{port} and paste a text; Ctrl-C ends it.", flush=True)

    names = ", ".join(f"{source.phase} {source.version}".rstrip() for source in sources)
    print(f"Loading {names}", flush=True)
    serve_models(from_environment({**os.environ, **here}), sources, host, announce)
