"""`retrain serve`: models of this machine behind the server that Vertex AI runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import ModelsFolder, RunsFolder

if TYPE_CHECKING:
    from components.answers.models import Source


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
    label_studio: Annotated[
        bool,
        typer.Option(
            "--label-studio",
            help="Also be an ML backend of Label Studio, at /label-studio; what is promoted is "
            "served without a restart.",
        ),
    ] = False,
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
    from pipelines.results.served import in_production
    from pipelines.results.versions import local_registry

    def sources_now() -> list[Source]:
        return [
            source for one in references for source in api.sources(one, out=out, registry=registry)
        ]

    places = Path(registry or local_registry(None))
    served = in_production(references, places)
    sources = sources_now()

    def newer() -> list[Source] | None:
        nonlocal served
        now = in_production(references, places)
        if now == served:
            return None
        served = now
        return sources_now()

    here = {"AIP_HTTP_PORT": str(port), "RETRAIN_SERVE_PAGE": "1", "RETRAIN_SERVE_DRAIN": "0"}
    if label_studio:
        here["RETRAIN_SERVE_LABEL_STUDIO"] = "1"

    def announce(port: int) -> None:
        address = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
        print(f"Ready: open http://{address}:{port} and paste a text; Ctrl-C ends it.", flush=True)
        if label_studio:
            print(
                "In Label Studio: Settings, Model, Connect Model, Backend URL "
                f"http://{address}:{port}/label-studio",
                flush=True,
            )

    names = ", ".join(f"{source.phase} {source.version}".rstrip() for source in sources)
    print(f"Loading {names}", flush=True)
    options = from_environment({**os.environ, **here})
    serve_models(options, sources, host, announce, newer if label_studio else None)
