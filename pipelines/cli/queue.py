"""`retrain queue`: which texts to label next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.cli.options import AsJson, ConfigPath, TextKey, print_json

if TYPE_CHECKING:
    from components.queue.making import Queue
    from components.queue.settings import QueueSettings
    from pipelines.config.load import Loaded


def queue(
    config: ConfigPath,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")
    ],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXTS]...",
            help="The pool, as `retrain predict` takes texts.",
            show_default="those of the phase's queue",
        ),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            "-n", min=1, help="How many texts to choose.", show_default="the phase's, or 200"
        ),
    ] = None,
    tool: Annotated[
        Literal["prodigy", "labelstudio"] | None,
        typer.Option(
            "--format", help="The tool that they are for.", show_default="the phase's, or prodigy"
        ),
    ] = None,
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
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Draws other random texts.", show_default="the phase's, or 0"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Choose the texts that are worth labelling next, with what the model says filled in.

    Left out is what is annotated or nearly so, and what is near the test set. Then come texts that
    the model is unsure of, spread over what it knows, labels that lack examples, and a random
    tenth. Only random texts may come into dev or test.
    """
    from pipelines.config.load import load
    from pipelines.queue.job import queue_for

    loaded = load(config)
    name = chosen_phase(loaded, phase)
    asked = {"text": text or None, "number": number, "format": tool, "seed": seed}
    settings = settings_of(loaded, name, texts or [], asked)
    made = queue_for(loaded, name, settings, output, version)
    if as_json:
        print_json(document(made, name, output))
        return
    print("\n".join(made.said(settings.number)))
    print(f"Wrote {output}. Next:")
    for line in next_commands(loaded, name, output, settings, config):
        print(f"  {line}")


def settings_of(
    loaded: Loaded, phase: str, texts: list[str], asked: Mapping[str, object]
) -> QueueSettings:
    """What is chosen from, and how: what the command says, else what the phase does.

    Raises:
        ConfigError: neither names texts.
    """
    from components.errors import ConfigError
    from components.queue.settings import QueueSettings

    own = loaded.pipeline.phases[phase].queue
    if not (texts or own):
        raise ConfigError(
            f"{loaded.path}: phases.{phase} has no `queue`. Name the files of the pool behind the "
            "config, or give the phase a queue: {texts: [pool.jsonl]}."
        )
    said = own.model_dump() if own else {}
    here = [one if "://" in one else str(loaded.folder / one) for one in said.get("texts", ())]
    said |= {"texts": texts, "text": ""} if texts else {"texts": here}
    return QueueSettings(**said | {key: one for key, one in asked.items() if one is not None})


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


def next_commands(
    loaded: Loaded, name: str, output: Path, settings: QueueSettings, config: Path
) -> list[str]:
    """The command that opens the file."""
    from components.records.label_studio import Project, is_project
    from pipelines.labelling.label_studio import import_command
    from pipelines.labelling.prodigy import command_of_queue, commands

    phase = loaded.pipeline.phases[name]
    if settings.format == "labelstudio":
        projects = [
            Project(one.path, one.token) for one in phase.annotations if is_project(one.path)
        ]
        if projects:
            return [import_command(projects[0], output)]
        return [f"Import {output} in a project of `retrain labelling {config}`."]
    tasks = phase.all_tasks
    if len(tasks) == 1 and tasks[0].kind in ("ner", "spans"):
        return [*commands(tasks, name, phase.ingest.language, str(output))]
    return [command_of_queue(tasks, name, str(output))]


def document(made: Queue, phase: str, output: Path) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "output": str(output.resolve()),
        "phase": phase,
        "model": made.model,
        "version": made.version,
        "texts": made.pool,
        "candidates": len(made.texts),
        "chosen": len(made.chosen),
        "why": made.why,
        "left_out": dict(made.left_out),
    }
