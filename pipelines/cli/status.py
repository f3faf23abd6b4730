"""`retrain` alone: where one stands, and `--version`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import DEFAULT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def say_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        print(f"retrain {version('retrain')}")
        raise typer.Exit


def status(
    ctx: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", is_eager=True, callback=say_version, help="Say which it is."
        ),
    ] = False,
) -> None:
    """Turn annotations into better spaCy models: on this machine, Vertex AI or Kubeflow.

    Without a command it says where you stand in this folder: the config, what is in production,
    the last run.
    """
    if ctx.invoked_subcommand is None:
        print("\n".join(lines(DEFAULT_CONFIG, Path("runs"))))


def listed(phases: Iterable[str]) -> str:
    """The phases of a config, by name."""
    names = list(phases)
    return f"{'phase' if len(names) == 1 else 'phases'} {', '.join(names)}"


def lines(config: Path, out: Path) -> Iterator[str]:
    """What there is in this folder, and what to do next."""
    from components.errors import ConfigError
    from components.registry.outcome import ask
    from pipelines.config.load import load
    from pipelines.local.runs import find_run, read_record
    from pipelines.results.outcome import outcomes

    yield f"retrain {version('retrain')}; retrain --help lists the commands"
    if not config.exists():
        yield f"config      no {config} here: retrain init ANNOTATIONS writes one"
    else:
        pipeline = load(config).pipeline
        yield f"config      {config}: pipeline {pipeline.name}, {listed(pipeline.phases)}"
        for name, phase in pipeline.phases.items():
            there = ask(str(config.parent / pipeline.registry), phase.model.name, phase.model.alias)
            by = f", by {there.by}" if there.by else ""
            yield f"production  {name}: {there.stays.replace('production stays ', '')}{by}"
    try:
        run = find_run(out, "latest")
    except ConfigError:
        yield f"last run    none in {out}"
        yield f"Next: retrain {'check && retrain run' if config.exists() else 'init ANNOTATIONS'}"
        return
    record = read_record(run)
    yield f"last run    {record.id}, {record.state}"
    for outcome in outcomes(run, record).values():
        yield f"            {outcome.phase}: {outcome.message}"
    yield f"Next: {'retrain runs logs' if record.state == 'failed' else 'retrain report --open'}"
