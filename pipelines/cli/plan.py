"""`retrain plan`: what `retrain submit` would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from components.html.format import counted
from pipelines.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    Overrides,
    Parameters,
    Phases,
    print_json,
)
from pipelines.cli.tables import print_table


def plan(
    config: ConfigPath = DEFAULT_CONFIG,
    phases: Phases = None,
    overrides: Overrides = None,
    parameters: Parameters = None,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A price list of your own, written like prices.yaml."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what submit would do: the run, its data, images, machines and cost; change nothing.

    The cost is an estimate, from list prices and the hours that tasks took before.
    """
    from pipelines.config.load import load
    from pipelines.services.costs import LIST_PRICES
    from pipelines.services.plan import planned

    loaded = load(config, overrides or ())
    what = planned(loaded, phases or (), parameters or (), prices or LIST_PRICES)
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
    for name, phase in what["phases"].items():
        print(f"{name}: {in_words(phase)}")
    print()
    columns = ["task", "machine", "accelerator", "timeout", "attempts", "took before>"]
    print_table(columns, [row(task) for task in what["tasks"]])
    print(
        f"\n{what['serial_starts']} machines start one after another; each takes minutes, and more "
        "where its image is new to it (docs/costs.md)."
    )
    print(f"At most {what['gpu_hours_at_most']:g} GPU hours, if every attempt ran to its timeout.")
    print(cost_in_words(what["cost"]))
    print(
        "What the service's own cache holds cannot be seen from here: a task whose input has not "
        "changed since it last ran is taken from there and costs nothing."
    )


def row(task: dict[str, Any]) -> list[str]:
    """A task's row of the table."""
    machine = f"{task['machine']} (spot)" if task["spot"] else task["machine"]
    hours = task["took_hours"]
    took = "" if hours is None else f"{60 * hours:.1f} min"
    return [
        task["task"],
        machine,
        task["accelerator"],
        task["timeout"],
        str(task["attempts"]),
        took,
    ]


def in_words(phase: dict[str, Any]) -> str:
    """What is known of a phase's input and models."""
    what = f"{counted(phase['files'], 'file')} of annotations"
    if phase["champion"] is None:
        return f"{what}; its models cannot be read from here"
    champion = f"version {phase['champion']}" if phase["champion"] else "no version"
    made = (
        f"version {phase['made']} was trained from this very input"
        if phase["made"]
        else "no version was trained from this input yet"
    )
    return f"{what}; in production is {champion}; {made}"


def cost_in_words(cost: dict[str, Any] | None) -> str:
    """The estimate, with what it rests on."""
    if cost is None:
        return "Cost: none is estimated for a cluster of your own."
    if cost["at_most"] is None:
        return f"Cost: no price is known of {', '.join(cost['unpriced'])}: see --prices."
    money = f"{cost['at_most']:.2f} {cost['currency']} at most, if every attempt ran to its timeout"
    if cost["expected"] is not None:
        money = (
            f"about {cost['expected']:.2f} {cost['currency']}, with the hours that {cost['known']} "
            f"of {cost['tasks']} tasks took before; {money}"
        )
    elsewhere = "" if cost["region"] == cost["prices_of"] else f", not of {cost['region']}"
    return (
        f"Estimated cost: {money}. At {cost['source']}, {cost['prices_of']}{elsewhere}, "
        f"{cost['as_of']}; storage is not in it, and spot is counted in full."
    )
