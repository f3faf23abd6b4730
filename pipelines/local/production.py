"""What is in production of the models of a run, asked of its registry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from components.registry.outcome import InProduction, ask
from components.registry.settings import ModelSettings
from pipelines.local.runs import Production, RunRecord


def location_of(registry: str, cwd: Path, run: Path) -> str:
    """A registry as a record keeps it, so that runs and models can be moved together."""
    return registry if "://" in registry else os.path.relpath(cwd / registry, run)


def declared(
    record: RunRecord, models: Mapping[str, ModelSettings], registry: str
) -> dict[str, Production]:
    """The models of the phases that are to run; nobody is asked yet."""
    running = {task.branch for task in record.tasks.values() if task.state != "not-run"}
    return {
        phase: Production(model.name, model.alias, registry)
        for phase, model in models.items()
        if phase in running
    }


def asked(record: RunRecord, run: Path) -> dict[str, Production]:
    """What the registry says now."""
    answers = {}
    for phase, kept in record.production.items():
        now = present(kept, run)
        answers[phase] = Production(
            kept.name, kept.alias, kept.registry, now.version, now.by, now.unknown
        )
    return answers


def present(kept: Production, run: Path) -> InProduction:
    """What is in production now, whatever was when the run ended."""
    return ask(address_of(kept, run), kept.name, kept.alias)


def address_of(kept: Production, run: Path) -> str:
    """The registry's folder, or its address."""
    if "://" in kept.registry:
        return kept.registry
    return os.path.normpath(run.absolute() / kept.registry)


def after_run(record: RunRecord, run: Path, phase: str) -> InProduction:
    """What was in production when the run ended, or is now if it did not come to its end."""
    kept = record.production.get(phase)
    if kept is None:
        return InProduction(None, unknown="the run kept no word of it")
    if kept.version is None and not kept.unknown:
        # Of a registry that was moved away nobody knows what it would say.
        address = address_of(kept, run)
        if "://" not in address and not Path(address).is_dir():
            return InProduction(None, unknown=f"there is no registry at {address}")
        return present(kept, run)
    return InProduction(kept.version, kept.by, kept.unknown)
