"""`retrain check`: is a config right, can its data be used, what would run."""

from __future__ import annotations

from typing import Any

import typer

from pipelines.cli.options import AsJson, ConfigPath, Overrides, print_json


def check(config: ConfigPath, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Check a config and its annotations, and show what would run. Nothing is changed.

    Annotations on this machine are read as a run would read them; those in a bucket are looked up.
    """
    from pipelines.config.check import check_phase
    from pipelines.config.load import load
    from pipelines.dag.compile import compiled

    loaded = load(config, overrides or ())
    compiled(loaded)
    phases = {name: check_phase(loaded, name) for name in loaded.pipeline.phases}
    if as_json:
        print_json({name: checked.as_json() for name, checked in phases.items()})
    else:
        for name, checked in phases.items():
            print_phase(name, checked)
        print_stages(phases)
    codes = [checked.exit_code for checked in phases.values() if checked.exit_code]
    if not codes and not as_json:
        print(f"{config} is right. Next: retrain run {config}")
    raise typer.Exit(codes[0] if codes else 0)


def print_phase(name: str, checked: Any) -> None:
    """The phase's data: records, labels, and what must be mended."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    verdict = "to mend" if checked.problems else "ok"
    console.print(f"{name}: {verdict}", markup=False)
    files = f"{len(checked.files)} file(s)" + (f", {checked.files[0]}" if checked.files else "")
    console.print(f"  annotations  {files}", markup=False)
    if checked.data:
        records = checked.data["records"]
        console.print(
            f"  records      {records['kept']} kept, {records['skipped']} skipped, "
            f"{records['quarantined']} in quarantine, of {records['in']}",
            markup=False,
        )
        counts = (f"{label} {row['spans']}" for label, row in checked.data["labels"].items())
        console.print(f"  entities     {', '.join(counts)}", markup=False)
    elif checked.files:
        console.print("  records      not read: the annotations are in a bucket", markup=False)
    for problem in checked.problems:
        console.print(f"  MEND: {problem}", markup=False)


def print_stages(phases: dict[str, Any]) -> None:
    """What would run, and on what in a cluster; a machine of its own is not asked for here."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="what would run (machines: on a cluster only)", title_justify="left")
    table.add_column("stage")
    for name in phases:
        table.add_column(name)
    for stage in next(iter(phases.values())).stages:
        table.add_row(stage, *(checked.stages[stage] for checked in phases.values()))
    Console().print(table)
