"""`retrain runs`: what ran on this machine or on Vertex AI."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import AsJson, RunsFolder, print_json

if TYPE_CHECKING:
    from pipelines.vertex import VertexRuns

app = typer.Typer(help="The runs here or on Vertex AI: list them, look at one, read its logs.")


class Where(StrEnum):
    """Places that run pipelines."""

    local = "local"
    vertex = "vertex"


WhereOption = Annotated[Where, typer.Option(help="Runs of this machine, or of Vertex AI.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="CONFIG", help="The config whose runs; for --where vertex."),
]
RunReference = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, an unambiguous part of it, or latest")
]


@app.command("list")
def list_(
    out: RunsFolder = Path("runs"),
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """List the runs, newest first."""
    if where is Where.vertex:
        from pipelines.cli.vertex_runs import print_list

        print_list(*on_vertex(config), as_json)
        return
    from rich.console import Console
    from rich.table import Table

    from pipelines.runs import list_runs
    from pipelines.summary import phases_of

    records = list_runs(out)
    if as_json:
        print_json([overview(record) for record in records])
        return
    if not records:
        print(f"No runs in {out}. Start one: retrain run configs/sample.yaml")
        return
    table = Table()
    for heading in ("run", "state", "took", "phases", "config"):
        table.add_column(heading, no_wrap=heading in ("run", "state"))
    for record in records:
        took = f"{record.seconds:.0f} s" if record.seconds is not None else ""
        phases = ", ".join(phases_of(record))
        table.add_row(record.id, record.state, took, phases, record.config)
    Console().print(table)


def overview(record: Any) -> dict[str, Any]:
    """A run without its tasks, as JSON."""
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(record)
    del fields["tasks"]
    return fields


@app.command()
def show(
    run: RunReference,
    out: RunsFolder = Path("runs"),
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its tasks, its scores, and where everything lies."""
    if where is Where.vertex:
        from pipelines.cli.vertex_runs import print_run

        print_run(on_vertex(config)[0].get(run), as_json)
        return
    from rich.console import Console
    from rich.table import Table

    from pipelines.runs import find_run, read_record
    from pipelines.summary import print_summary, summary

    folder = find_run(out, run)
    if as_json:
        import msgspec

        tasks = msgspec.to_builtins(read_record(folder).tasks)
        print_json({**summary(folder), "tasks": tasks})
        return
    table = Table()
    for heading in ("task", "state", "took", "attempts", "note"):
        table.add_column(heading)
    for task in read_record(folder).tasks.values():
        took = f"{task.seconds:.1f} s" if task.seconds is not None else ""
        note = f"from {task.reused_from}" if task.reused_from else task.note
        table.add_row(task.task, task.state, took, str(task.attempts or ""), note)
    console = Console()
    console.print(table)
    print_summary(folder, console)


@app.command()
def logs(
    run: RunReference,
    task: Annotated[
        str | None,
        typer.Argument(metavar="TASK", help="A task, e.g. phase-1/train; all by default"),
    ] = None,
    out: RunsFolder = Path("runs"),
    lines: Annotated[
        int | None, typer.Option("-n", "--lines", min=1, help="Only the last lines of each log.")
    ] = None,
    where: WhereOption = Where.local,
    config: ConfigOption = None,
) -> None:
    """Print the logs of a run, or of one of its tasks; for Vertex AI, how to read them."""
    if where is Where.vertex:
        from pipelines.cli.vertex_runs import print_log_commands

        runs, _ = on_vertex(config)
        print_log_commands(runs, runs.get(run), task)
        return
    from pipelines.runs import find_run, find_task, read_record, tail

    record = read_record(find_run(out, run))
    tasks = [find_task(record, task)] if task else list(record.tasks.values())
    for chosen in tasks:
        if chosen.log is None:
            continue
        path = out / chosen.log
        if len(tasks) > 1:
            print(f"==> {path} <==")
        if not path.exists():
            print(f"{path} is gone: the run that did the work was deleted.")
            continue
        text = tail(path, lines) if lines else path.read_text(errors="replace").splitlines()
        print("\n".join(text))


@app.command()
def cancel(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run on Vertex AI.")],
    config: Annotated[Path, typer.Option("--config", metavar="CONFIG", help="Its config.")],
) -> None:
    """Stop a run on Vertex AI; a run on this machine stops with Ctrl-C."""
    cancelled = on_vertex(config)[0].cancel(run)
    print(f"{cancelled.id}  {cancelled.state}\n{cancelled.url}")


def on_vertex(config: Path | None) -> tuple[VertexRuns, str]:
    """Where the runs of a config are, and the config's name."""
    from components.errors import ConfigError
    from pipelines.load import load
    from pipelines.vertex import runs_of

    if config is None:
        raise ConfigError("--where vertex needs --config FILE, whose `vertex` section says where.")
    loaded = load(config)
    return runs_of(loaded), loaded.pipeline.name
