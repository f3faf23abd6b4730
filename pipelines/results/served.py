"""Which models a person means when they say what to serve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.answers.models import Source
from components.errors import ConfigError
from components.registry.base import find
from components.registry.open import open_registry
from pipelines.local.runs import find_run, output_of, read_record

PRODUCTION = "champion"


def sources_of(reference: str, runs: Path, registry: Path) -> list[Source]:
    """The models that a reference names, in the order in which overlaps are resolved.

    Args:
        reference: a folder with a spaCy pipeline; the name of a registered model, with @ and a
            version or an alias (champion when left out); or a run, of which every phase is meant.

    Raises:
        ConfigError: it names nothing here, or a run without a trained model.
        DataError: the registered model's files are damaged, or the run's model was deleted.
    """
    folder = Path(reference)
    if (folder / "config.cfg").is_file():
        return [Source(folder.resolve().name, folder)]
    models = open_registry(str(registry))
    name, _, version = reference.partition("@")
    if name in models.names():
        chosen = find(models, name, version or PRODUCTION)
        models.verify(chosen)
        return [Source(name, Path(chosen.uri), chosen.number)]
    try:
        return sources_of_run(find_run(runs, reference))
    except ConfigError as error:
        registered = ", ".join(models.names()) or "none"
        raise ConfigError(
            f"{reference!r} is no folder of a spaCy pipeline, no model in {registry} (there: "
            f"{registered}), and as a run: {error}"
        ) from error


def in_production(references: Sequence[str], registry: Path) -> dict[str, str]:
    """Of references to registered models by an alias: the version that it points to now.

    Nothing is verified, so this may be asked often.
    """
    models = open_registry(str(registry))
    pointed: dict[str, str] = {}
    for reference in references:
        name, _, alias = reference.partition("@")
        if name in models.names() and not alias.isdecimal():
            number = models.pointed(name, alias or PRODUCTION)
            pointed |= {reference: number} if number else {}
    return pointed


def sources_of_run(folder: Path) -> list[Source]:
    """The model that each phase of a run trained or reused."""
    record = read_record(folder)
    trained = [task for task in record.tasks.values() if "model" in task.artifacts]
    sources = [
        Source(task.branch, output_of(record, task, "model"), record.id)
        for task in trained
        if task.stage == "train"
    ]
    if not sources:
        raise ConfigError(f"Run {record.id} has trained no model ({record.state}).")
    return sources
