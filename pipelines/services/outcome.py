"""What became of the phases of a run on a service, and what is in production there now."""

from __future__ import annotations

from components.registry.open import VOLUME_SCHEME
from components.registry.outcome import InProduction, ask
from components.registry.settings import ModelSettings
from pipelines.config.load import Loaded
from pipelines.results.outcome import PhaseOutcome, outcome_of
from pipelines.services.base import OVER, Run
from pipelines.services.watch import task_record


def remote_outcomes(loaded: Loaded, run: Run) -> list[PhaseOutcome]:
    """What became of each phase that the run has tasks of."""
    tasks = {task.path: task_record(task) for task in run.tasks}
    branches = {task.branch for task in tasks.values()}
    return [
        outcome_of(run.id, name, tasks, in_production(loaded, phase.model), over=run.state in OVER)
        for name, phase in loaded.pipeline.phases.items()
        if name in branches
    ]


def in_production(loaded: Loaded, model: ModelSettings) -> InProduction:
    """What is in production where the config's runs put it."""
    location = loaded.pipeline.registry_url
    if location.startswith(VOLUME_SCHEME):
        return InProduction(None, unknown="its registry is on a volume of the cluster")
    return ask(location, model.name, model.alias)


def as_text(outcomes: list[PhaseOutcome]) -> str:
    """One line for each phase, and one for each reason."""
    lines = []
    for outcome in outcomes:
        lines.append(f"{outcome.phase}: {outcome.message}")
        lines += [f"  because  {reason}" for reason in outcome.reasons]
    return "\n".join(lines)
