"""`retrain watch`: retrain by itself once enough annotations are new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DEFAULT_CONFIG, ConfigPath, Phases, RunsFolder


def watch(
    config: ConfigPath = DEFAULT_CONFIG,
    phases: Phases = None,
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="Time between two looks, e.g. 30s or 10m.")
    ] = "30s",
    webhook: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help="Listen on this port for webhooks: any POST has it look at once; 0 for any port "
            "that is free.",
            show_default="none",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    out: RunsFolder = Path("runs"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what happens as JSON, an object a line.")
    ] = False,
) -> None:
    """Watch the annotations of a config, and retrain each phase once enough are new.

    A phase says when that is: `due: {new_annotations: 50}`, counted for each of its tasks. Runs
    here or submits, as the config's target says, one at a time. Killed and started again it goes on
    where it was: no annotation is forgotten, and none counted twice.
    """
    from contextlib import ExitStack

    from components.errors import ConfigError
    from pipelines.cli.options import pick_phases
    from pipelines.config.load import load
    from pipelines.config.schema import seconds
    from pipelines.watching.events import Event
    from pipelines.watching.memory import alone
    from pipelines.watching.watcher import Watcher
    from pipelines.watching.webhook import listening

    try:
        interval = seconds(every)
    except ValueError as error:
        raise ConfigError(f"--every: {error}.") from None
    loaded = load(config)
    named = pick_phases(phases, [*loaded.pipeline.phases]) if phases else []

    def tell(event: Event) -> None:
        said = json.dumps(event.as_json, ensure_ascii=False) if as_json else event.line
        print(said, flush=True)

    watcher = Watcher(loaded, out, tell, named)
    watched = ", ".join(one.name for one in watcher.watched())
    with ExitStack() as stack:
        stack.enter_context(alone(watcher.folder / "watch.lock", str(config)))
        tell(Event("watches", f"Watches {watched} every {every}; Ctrl-C ends it."))
        if webhook is not None:
            port = stack.enter_context(listening(host, webhook, watcher.event))
            address = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared
            tell(Event("watches", f"Webhook: POST http://{address}:{port}/"))
        try:
            watcher.run(interval)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
