"""What `retrain runs --where vertex` and `--where kubeflow` print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import ConfigError
from pipelines.cli.options import DEFAULT_CONFIG, print_json
from pipelines.cli.tables import print_table

if TYPE_CHECKING:
    from pipelines.config.load import Loaded
    from pipelines.results.outcome import PhaseOutcome
    from pipelines.services.base import Backend, Run


# Of how many runs at most the tasks are asked for one by one, where a service lists none.
MOST_ASKED = 20


@dataclass(frozen=True)
class RemoteRuns:
    """The runs of one config on the service that its target names."""

    backend: Backend
    loaded: Loaded

    def list(self, as_json: bool) -> None:
        """The runs of the config, newest first."""
        from pipelines.services.outcome import outcomes_of_runs

        name = self.loaded.pipeline.name
        history = self.with_tasks(self.backend.history(name))
        every = outcomes_of_runs(self.loaded, history)
        listed = list(zip(history, every, strict=True))
        if as_json:
            print_json([{**plain(run), "phases": as_phases(outcomes)} for run, outcomes in listed])
        elif history:
            rows = [row for run, outcomes in listed for row in rows_of(run, outcomes)]
            print_table(["run", "created (UTC)", "took>", "phase", "what came of it"], rows)
        else:
            print(f"No runs of {name} in {self.backend.where}.")

    def with_tasks(self, history: Sequence[Run]) -> Sequence[Run]:
        """Runs with their tasks, which Kubeflow's list leaves out; the older ones as they are."""
        newest = [run if run.tasks else self.backend.get(run.id) for run in history[:MOST_ASKED]]
        return [*newest, *history[MOST_ASKED:]]

    def show(self, reference: str, as_json: bool) -> None:
        """One run with its tasks."""
        from pipelines.services.outcome import as_text, remote_outcomes

        run = self.backend.get(reference)
        outcomes = remote_outcomes(self.loaded, run)
        if as_json:
            print_json({**plain(run), "phases": as_phases(outcomes)})
            return
        print(f"{run.id}  {run.state}\n{run.url}\n")
        rows = [[task.path, task.state, took(task), task.error] for task in run.tasks]
        print_table(["task", "state", "took", "error"], rows)
        print(as_text(outcomes))

    def logs(
        self, reference: str, wanted: str | None, lines: int | None, *, follow: bool, failed: bool
    ) -> None:
        """How to read the logs of a run's tasks, which the service keeps."""
        if lines is not None or follow:
            raise ConfigError(
                "--lines and --follow are for runs of this machine: the service keeps these logs."
            )
        run = self.backend.get(reference)
        tasks = [task for task in run.tasks if wanted in (None, task.path)]
        broken = [task for task in tasks if task.state == "failed"]
        if failed or (wanted is None and broken):
            tasks = broken
        if not tasks:
            known = ", ".join(task.path for task in run.tasks) or "none yet"
            raise ConfigError(f"{run.id} has no task {wanted or ''!r}; it has {known}")
        for task in tasks:
            print(f"{task.path}  {task.state}  {task.error}".rstrip())
            if command := self.backend.log_command(task):
                print(f"  {command}")
        print(f"All of them, in the console: {run.url}")

    def cancel(self, reference: str) -> None:
        """Stop a run."""
        run = self.backend.cancel(reference)
        print(f"{run.id}  {run.state}\n{run.url}")


def remote_runs(config: Path | None, where: str | None = None) -> RemoteRuns:
    """The runs of a config.

    Args:
        where: the service that they are expected on; None: wherever its target says.
    """
    from pipelines.config.load import load
    from pipelines.services.choose import backend_of

    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    if config is None:
        raise ConfigError(
            f"--where {where} needs --config FILE, whose `{where}` section says where."
        )
    loaded = load(config)
    if where not in (None, loaded.pipeline.target):
        raise ConfigError(
            f"{config}: its target is {loaded.pipeline.target}: use --where "
            f"{loaded.pipeline.target}."
        )
    return RemoteRuns(backend_of(loaded), loaded)


def rows_of(run: Run, outcomes: Sequence[PhaseOutcome]) -> list[list[str]]:
    """The lines of a run in the list, one for each of its phases that were to run."""
    start = [run.id, f"{run.created:%Y-%m-%d %H:%M}", took(run)]
    chosen = [each for each in outcomes if each.end != "not-run"]
    unknown = run.state if run.tasks else f"{run.state} (more: retrain runs show)"
    return [[*start, each.phase, each.short] for each in chosen] or [[*start, "", unknown]]


def as_phases(outcomes: Sequence[PhaseOutcome]) -> dict[str, dict[str, Any]]:
    """What became of the phases, as JSON."""
    return {
        outcome.phase: {
            "state": outcome.state,
            "outcome": outcome.end,
            "message": outcome.message,
            "in_production": outcome.in_production,
            "version": outcome.version,
            "reasons": list(outcome.reasons),
        }
        for outcome in outcomes
    }


def plain(run: Run) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "run": run.id,
        "state": run.state,
        "created": run.created.isoformat(),
        "ended": run.ended.isoformat() if run.ended else None,
        "labels": run.labels,
        "error": run.error,
        "url": run.url,
        "waits": waiting(run),
        "tasks": [
            {"task": task.path, "state": task.state, "error": task.error, "job": task.job}
            for task in run.tasks
        ],
    }


def waiting(run: Run) -> dict[str, str]:
    """Phase -> why it was not to be trained, for those that wait."""
    from pipelines.services.watch import task_record

    records = [task_record(task) for task in run.tasks]
    return {record.branch: record.waits for record in records if record.waits}


def took(timed: Any) -> str:
    """How long a run or a task took, or '' while it has no beginning or no end."""
    started = timed.started
    if not started or not timed.ended:
        return ""
    minutes, seconds = divmod(int((timed.ended - started).total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
