"""What became of the phases of a run on a service, and what is in production there now."""

from __future__ import annotations

from collections.abc import Sequence

from components.registry.open import VOLUME_SCHEME
from components.registry.outcome import InProduction, ask
from components.registry.settings import ModelSettings
from pipelines.config.load import Loaded
from pipelines.results.outcome import PhaseOutcome, outcome_of
from pipelines.services.base import OVER, Run
from pipelines.services.watch import task_record


def remote_outcomes(loaded: Loaded, run: Run) -> list[PhaseOutcome]:
    """What became of each phase that the run has tasks of."""
    [outcomes] = outcomes_of_runs(loaded, [run])
    return outcomes


def outcomes_of_runs(loaded: Loaded, runs: Sequence[Run]) -> list[list[PhaseOutcome]]:
    """The same for each of several runs; the registry is asked once for each phase."""
    records = [{task.path: task_record(task) for task in run.tasks} for run in runs]
    seen = {task.branch for tasks in records for task in tasks.values()}
    phases = loaded.pipeline.phases
    now = {name: in_production(loaded, phases[name].model) for name in phases if name in seen}
    return [
        [
            outcome_of(run.id, name, tasks, production, over=run.state in OVER)
            for name, production in now.items()
            if any(task.branch == name for task in tasks.values())
        ]
        for run, tasks in zip(runs, records, strict=True)
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
