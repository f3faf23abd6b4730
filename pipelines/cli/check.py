"""`retrain check`: is a config right, can its data be used, what would run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components.html.format import counted
from pipelines.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath, Overrides, print_json

if TYPE_CHECKING:
    from pipelines.config.check import Checked
    from pipelines.config.load import Loaded


def check(
    config: ConfigPath = DEFAULT_CONFIG,
    overrides: Overrides = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Only whether it is right, and what is not.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a config and its annotations, and show what would run. Nothing is changed.

    Annotations on this machine are read as a run would read them; those in a bucket are looked up.
    """
    from pipelines import api
    from pipelines.config.load import load

    loaded = load(config, overrides or ())
    phases = api.check(config, overrides=overrides or ())
    if as_json:
        print_json({name: checked.as_json() for name, checked in phases.items()})
    else:
        if not quiet:
            print_details(loaded, phases)
        print_outcome(config, loaded.pipeline.target, phases)
    codes = [checked.exit_code for checked in phases.values() if checked.exit_code]
    raise typer.Exit(codes[0] if codes else 0)


def print_details(loaded: Loaded, phases: dict[str, Checked]) -> None:
    """What is in the data, and what would run where."""
    for name, checked in phases.items():
        print_phase(name, checked)
    if loaded.pipeline.target == "local":
        print_machine(loaded, phases)
    else:
        print_stages(phases)


def print_phase(name: str, checked: Any) -> None:
    """The phase's data: records, labels, and what ingest does with them."""
    say = printer()
    say(name)
    files = counted(len(checked.files), "file") + (f", {checked.files[0]}" if checked.files else "")
    say(f"  annotations  {files}")
    if checked.data:
        for line in data_lines(checked.data):
            say(f"  {line}")
    elif checked.files and any("://" in file for file in checked.files):
        say("  records      not read: the annotations are in a bucket")
    for component, weights in checked.weights.items():
        say(f"  weights of {component}: {weights}")


def data_lines(data: dict[str, Any]) -> Iterator[str]:
    """What ingest does with the records, class by class."""
    records = data["records"]
    yield (
        f"records      {records['kept']} kept, {records['skipped']} skipped, "
        f"{records['quarantined']} in quarantine, of {records['in']}"
    )
    for what in ("skipped", "quarantined"):
        for reason, count in data[what].items():
            yield f"  {what}: {reason}: {count}"
    for split, count in data["splits"].items():
        yield f"{count} in {split}, as the annotations say"
    for name, task in data["tasks"].items():
        for reason, count in task["quarantined"].items():
            yield f"  kept without {name}: {reason}: {count}"
        for label, row in task["labels"].items():
            yield f"{label}: {label_line(row, task['unit'])}"
            yield from (f"    {each['position']}: {each['detail']}" for each in row["examples"])
        yield from task["remarks"]
    for problem in data["problems"]:
        yield f"{problem['policy']}: {problem['title']}: {problem['count']}"
        for example in problem["examples"][:2]:
            if example["detail"]:
                yield f"    {example['position']}: {example['detail']}"


def label_line(row: dict[str, Any], unit: str) -> str:
    """What became of what has a label."""
    kept = f"{row['count']} {unit} kept, in {row['documents']} documents"
    if "wrong" in row:  # a class
        kept = f"{row['count']} {unit} have it, {row['wrong']} do not"
    others = {name: row[name] for name in ("expanded", "contracted", "dropped", "refused")}
    parts = [f"{count} {name}" for name, count in others.items() if count]
    # Of classes, what was annotated and is not kept was outvoted, or is in quarantine.
    some = row["annotated"] and not ("wrong" in row and row["annotated"] == row["count"])
    annotated = f"of {row['annotated']} annotated" if some else ""
    return ", ".join(filter(None, [kept, annotated, *parts]))


def print_outcome(config: Path, target: str, phases: dict[str, Any]) -> None:
    """Whether a run would do, and if not, why: the last that is said."""
    named = "" if config == DEFAULT_CONFIG else f" {config}"
    step = f"retrain {'run' if target == 'local' else 'doctor'}{named}"
    unseen = [(name, message) for name, one in phases.items() for message in one.unseen]
    problems = [(name, problem) for name, one in phases.items() for problem in one.problems]
    warnings = sum(len(one.warnings) for one in phases.values())
    say = printer()
    if problems:
        say(f"{config} is not right:")
        for name, problem in problems:
            say(f"  FIX {name}: {problem}")
    else:
        but = f", with {counted(warnings, 'warning')} about the data" if warnings else ""
        seen = " as far as can be seen from here" if unseen else ""
        say(f"{config} is right{seen}{but}. Next: {step}")
    for name, message in unseen:
        say(f"  UNKNOWN {name}: {message}")
    for name, checked in phases.items():
        for note in checked.notes:
            say(f"  NOTE {name}: {note}")


def printer() -> Callable[[str], None]:
    """Prints lines as they are, however wide the terminal."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    return lambda line: console.print(line, markup=False)


def print_machine(loaded: Loaded, phases: dict[str, Checked]) -> None:
    """What a run has on this machine, and how long its trainings will take."""
    from pipelines.local.machine import this_machine
    from pipelines.local.training_time import (
        GPU_UNKNOWN,
        Training,
        expected,
        last_of_network,
        last_training,
        network_of,
    )

    machine = this_machine()
    together = len(phases) if loaded.pipeline.parallel else 1
    threads = max(1, machine.cores // min(machine.cores, together))
    say = printer()
    how = f"; {together} phases side by side" if together > 1 else ""
    say(f"this machine: {machine}{how}")
    for name, checked in phases.items():
        if checked.config is None:
            continue
        train = loaded.pipeline.phases[name].train
        training = Training(train.config, checked.config, train.set, checked.training)
        before = last_training(Path("runs"), loaded.pipeline.name, name)
        like = last_of_network(Path("runs"), network_of(checked.config))
        said = expected(training, before, threads, machine.gpu, like)
        say(f"  training of {name}: {said}")
    if not machine.gpu:
        say(f"  {GPU_UNKNOWN}")


def print_stages(phases: dict[str, Any]) -> None:
    """What would run on the service that is the config's target, and on what."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="what would run", title_justify="left")
    table.add_column("stage")
    for name in phases:
        table.add_column(name)
    for stage in dict.fromkeys(stage for checked in phases.values() for stage in checked.stages):
        table.add_row(stage, *(checked.stages.get(stage, "") for checked in phases.values()))
    Console().print(table)
