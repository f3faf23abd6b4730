"""`retrain queue`: which texts to label next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.cli.options import AsJson, ConfigPath, TextKey, print_json

if TYPE_CHECKING:
    from pipelines.config.load import Loaded
    from pipelines.queue.job import Queue


def queue(
    config: ConfigPath,
    texts: Annotated[
        list[str],
        typer.Argument(metavar="TEXTS...", help="The pool, as `retrain predict` takes texts."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")
    ],
    number: Annotated[int, typer.Option("-n", min=1, help="How many texts to choose.")] = 200,
    tool: Annotated[
        Literal["prodigy", "labelstudio"],
        typer.Option("--format", help="The tool that they are for."),
    ] = "prodigy",
    text: TextKey = "",
    phase: Annotated[
        str, typer.Option(metavar="NAME", help="Which phase, where there are several.")
    ] = "",
    version: Annotated[
        str,
        typer.Option(
            metavar="VERSION",
            help="Version of the phase's model, or an alias.",
            show_default="what is in production",
        ),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Draws other random texts.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Choose the texts that are worth labelling next, with what the model says filled in.

    Left out is what is annotated or nearly so, and what is near the test set. Then come texts that
    the model is unsure of, spread over what it knows, labels that lack examples, and a random
    tenth. Only random texts may come into dev or test.
    """
    from pipelines.config.load import load
    from pipelines.queue.job import make_queue

    loaded = load(config)
    made = make_queue(
        loaded,
        chosen_phase(loaded, phase),
        texts,
        output,
        number=number,
        tool=tool,
        key=text,
        version=version,
        seed=seed,
    )
    if as_json:
        print_json(document(made))
        return
    print("\n".join(said(made, number)))
    print(f"Wrote {output}. Next:")
    for line in next_commands(loaded, made, tool, config):
        print(f"  {line}")


def chosen_phase(loaded: Loaded, asked: str) -> str:
    """The name of the phase that is meant.

    Raises:
        ConfigError: there is no such phase, or several.
    """
    from components.errors import ConfigError

    phases = loaded.pipeline.phases
    name = asked or (next(iter(phases)) if len(phases) == 1 else "")
    if name not in phases:
        wrong = f"there is no phase {asked!r}" if asked else "there are several phases"
        raise ConfigError(f"{loaded.path}: {wrong}. Name one with --phase: {', '.join(phases)}.")
    return name


def said(made: Queue, number: int) -> list[str]:
    """What was chosen and what was left out, for people."""
    lines = [f"{made.pool:,} texts, {made.candidates:,} of them to choose from"]
    lines += [f"  left out: {why}: {count:,}" for why, count in made.left_out.items()]
    lines += [f"{made.chosen:,} chosen by {made.model} {made.version}"]
    lines += [f"  {why}: {count:,}" for why, count in made.why.items()]
    if made.undecided:
        lines += ["The model does not say how sure it is: all were drawn at random."]
    if made.chosen < number:
        lines += [f"No more than {made.chosen:,} were left."]
    return lines


def next_commands(loaded: Loaded, made: Queue, tool: str, config: Path) -> list[str]:
    """The command that opens the file."""
    from pipelines.labelling.prodigy import command_of_queue, commands

    phase = loaded.pipeline.phases[made.phase]
    if tool == "labelstudio":
        return [f"Import {made.output} in a project of `retrain labelling {config}`."]
    tasks = phase.all_tasks
    if len(tasks) == 1 and tasks[0].kind in ("ner", "spans"):
        return [*commands(tasks, made.phase, phase.ingest.language, str(made.output))]
    return [command_of_queue(tasks, made.phase, str(made.output))]


def document(made: Queue) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "output": str(made.output.resolve()),
        "phase": made.phase,
        "model": made.model,
        "version": made.version,
        "texts": made.pool,
        "candidates": made.candidates,
        "chosen": made.chosen,
        "why": made.why,
        "left_out": made.left_out,
    }
