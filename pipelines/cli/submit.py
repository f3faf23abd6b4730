"""`retrain submit`: the pipeline as a run on Vertex AI or Kubeflow Pipelines."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from components.errors import RemoteError
from pipelines.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    Overrides,
    Parameters,
    Phases,
    print_json,
    verbosity,
)


def submit(
    config: ConfigPath = DEFAULT_CONFIG,
    phases: Phases = None,
    overrides: Overrides = None,
    parameters: Parameters = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the run is over, and say what happens.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="With --wait: only what came of it.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run again, although this very work was submitted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a config's pipeline on Vertex AI or Kubeflow Pipelines, as its target says.

    The same config and annotations come to the same run: submitting twice starts nothing twice.
    The run goes on when this command is interrupted; `retrain runs show` picks it up.
    """
    from rich.console import Console

    from pipelines.config.load import load
    from pipelines.local.live_view import listener
    from pipelines.services.base import why
    from pipelines.services.choose import backend_of
    from pipelines.services.outcome import as_text, remote_outcomes
    from pipelines.services.submission import prepare, refuse_unrepeatable
    from pipelines.services.watch import watch

    loaded = load(config, overrides or ())
    backend = backend_of(loaded)
    refuse_unrepeatable(loaded)
    run, new = backend.submit(prepare(loaded, phases or (), parameters or ()), force=force)
    if as_json:
        print_json({"run": run.id, "state": run.state, "new": new, "url": run.url})
    else:
        print(f"{'Submitted' if new else 'Found'} {run.id} ({run.state})\n{run.url}")
    if run.state in ("failed", "cancelled") and not as_json:
        print(f"{why(run)}`retrain submit {config} --force` runs it again.")
    if wait:
        try:
            ended = watch(backend, run.id, listener(Console(stderr=True), verbosity(quiet, False)))
        except RemoteError:
            print(as_text(remote_outcomes(loaded, backend.get(run.id))), file=sys.stderr)
            raise
        except KeyboardInterrupt:
            print(
                f"The run goes on: retrain runs show {run.id} "
                f"--where {loaded.pipeline.target} --config {config}",
                file=sys.stderr,
            )
            raise typer.Exit(130) from None
        if not as_json:
            print(f"{run.id} succeeded\n{as_text(remote_outcomes(loaded, ended))}\n{run.url}")
