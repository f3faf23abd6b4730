"""`retrain ui`: runs, scores and models in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import ModelsFolder, RunsFolder


def ui(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")
    ] = 8090,
    out: RunsFolder = Path("runs"),
    registry: ModelsFolder = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Let the browser that is given the token promote, roll back, serve, deploy and "
            "run again.",
        ),
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open it in your browser.")] = False,
) -> None:
    """Show runs while they run and after, scores and models in a browser on this machine.

    It reads what is in the folders and keeps nothing itself: stop and start it as you like.
    """
    import secrets
    import webbrowser

    from pipelines.results.versions import local_registry
    from pipelines.ui.app import build
    from pipelines.ui.server import HOST, listen, serve
    from pipelines.ui.site import Site

    listening = listen(port)
    token = secrets.token_urlsafe() if write else ""
    address = f"http://{HOST}:{listening.getsockname()[1]}" + (
        f"/token?token={token}" if write else ""
    )

    def announce() -> None:
        print(f"Open {address} in a browser; Ctrl-C stops it.", flush=True)
        if open_:
            webbrowser.open(address)

    serve(build(Site(out, registry or local_registry(None), token)), listening, announce)
