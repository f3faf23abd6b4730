"""`retrain plan`: what `retrain submit` would do."""

from __future__ import annotations

from pipelines.cli.options import (
    AsJson,
    ConfigPath,
    Overrides,
    Parameters,
    Phases,
    print_json,
)
from pipelines.cli.tables import print_table


def plan(
    config: ConfigPath,
    phases: Phases = None,
    overrides: Overrides = None,
    parameters: Parameters = None,
    as_json: AsJson = False,
) -> None:
    """Show what submit would do: the run, its data, images and machines; change nothing."""
    from pipelines.load import load
    from pipelines.plan import planned

    what = planned(load(config, overrides or ()), phases or (), parameters or ())
    if as_json:
        print_json(what)
        return
    if what["exists"]:
        print(f"submit would start nothing: {what['run']} does this very work ({what['state']}).")
    else:
        print(f"submit would start {what['run']} in {what['place']}.")
    print(f"annotations  {what['data']}\ncommit       {what['commit']}")
    for kind, image in what["images"].items():
        print(f"image {kind}    {image}")
    print()
    columns = ["task", "machine", "accelerator", "timeout", "attempts"]
    print_table(columns, [[str(task[column]) for column in columns] for task in what["tasks"]])
    hours = what["gpu_hours_at_most"]
    print(f"\nAt most {hours:g} GPU hours, if every attempt ran to its timeout: docs/costs.md")
