"""`retrain runs`: what ran on this machine, on Vertex AI or on Kubeflow Pipelines."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.command import Command, Group
from pipelines.cli.options import AsJson, RunReference, RunsFolder

if TYPE_CHECKING:
    from pipelines.cli.runs.local import LocalRuns
    from pipelines.cli.runs.remote import RemoteRuns

app = typer.Typer(
    cls=Group, help="The runs here or on a service: list them, show one, read its logs."
)


class Where(StrEnum):
    """Places that run pipelines."""

    local = "local"
    vertex = "vertex"
    kubeflow = "kubeflow"


WhereOption = Annotated[Where, typer.Option(help="Runs of this machine, or of a service.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="CONFIG", help="The config whose runs; for a service."),
]


@app.command("list", cls=Command)
def list_(
    out: RunsFolder = Path("runs"),
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """List the runs, newest first."""
    runs_at(where, config, out).list(as_json)


@app.command("show", cls=Command)
def show(
    run: RunReference = "latest",
    out: RunsFolder = Path("runs"),
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its tasks, its scores, what came of it, and where everything lies."""
    runs_at(where, config, out).show(run, as_json)


@app.command("logs", cls=Command)
def logs(
    run: RunReference = "latest",
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK",
            help="A task, e.g. phase-1/train; by default what failed, or all if nothing did.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Show what is written, until the run ends.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only the tasks that failed.")] = False,
    out: RunsFolder = Path("runs"),
    lines: Annotated[
        int | None, typer.Option("-n", "--lines", min=1, help="Only the last lines of each log.")
    ] = None,
    where: WhereOption = Where.local,
    config: ConfigOption = None,
) -> None:
    """Print the logs of a run: of the tasks that failed, else of all; or of one task.

    The command of a task is in the .sh file next to its log. For a service: how to read the logs
    there.
    """
    runs_at(where, config, out).logs(run, task, lines, follow=follow, failed=failed)


@app.command("cancel", cls=Command)
def cancel(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run on a service.")],
    config: Annotated[Path, typer.Option("--config", metavar="CONFIG", help="Its config.")],
) -> None:
    """Stop a run on the service that its config names; one on this machine stops with Ctrl-C."""
    from pipelines.cli.runs.remote import remote_runs

    remote_runs(config).cancel(run)


def runs_at(where: Where, config: Path | None, out: Path) -> LocalRuns | RemoteRuns:
    """The runs that a command is about."""
    if where is Where.local:
        from pipelines.cli.runs.local import LocalRuns

        return LocalRuns(out)
    from pipelines.cli.runs.remote import remote_runs

    return remote_runs(config, where)
