"""`retrain queue`: from a config and a pool of texts to a file that an annotation tool opens."""

from __future__ import annotations

from contextlib import ExitStack, chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from components.answers.models import Source
from components.errors import ConfigError, DataError
from components.queue.making import Queue, make_queue
from components.queue.settings import QueueSettings
from components.registry import assignment
from components.registry.base import find
from components.registry.documents import ASSIGNMENT
from components.registry.open import open_registry
from components.tasks import task_of
from pipelines.config.load import Loaded
from pipelines.config.schema import Phase
from pipelines.queue.known import known


def queue_for(
    loaded: Loaded, name: str, settings: QueueSettings, output: Path, version: str = ""
) -> Queue:
    """Choose the texts to label next for a phase, and write them with what the model says.

    Args:
        name: of the phase.
        version: of the phase's model: its number or an alias; "": what is in production.

    Raises:
        ConfigError: the output is there, or no model is.
        DataError: nothing is left to choose from.
    """
    if output.exists():
        raise ConfigError(f"{output}: is already there. Choose another name, or remove it first.")
    phase = loaded.pipeline.phases[name]
    tasks = [task_of(each) for each in phase.all_tasks]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        source, stored = model_of(loaded, phase, version, folder)
        with chdir(loaded.folder):  # paths in a config are relative to it
            seen = known(phase.annotations, phase.ingest, tasks, stored, phase.split.group_by)
        made = make_queue(source, tasks, seen, settings)
        if not made.chosen:
            texts = ", ".join(settings.texts)
            raise DataError(f"{texts}: nothing is left to label: {dict(made.left_out)}.")
        made.write(output, settings, phase.field)
    return made


def model_of(
    loaded: Loaded, phase: Phase, version: str, folder: Path
) -> tuple[Source, assignment.Stored | None]:
    """The model of a phase, and which text was in which split when it was trained.

    Raises:
        ConfigError: there is no such version.
    """
    url = loaded.pipeline.registry_url
    registry = open_registry(url if "://" in url else str(loaded.folder / url))
    chosen = find(registry, phase.model.name, version or phase.model.alias)
    registry.fetch(chosen, folder / "model")
    kept = registry.document(chosen, ASSIGNMENT)
    stored = None
    if kept is not None:
        path = folder / ASSIGNMENT
        path.write_bytes(kept)
        stored = assignment.read(path)
    return Source(chosen.name, folder / "model", chosen.number), stored
