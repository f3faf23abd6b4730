"""What `retrain runs --where vertex` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.cli.options import print_json
from pipelines.cli.tables import print_table

if TYPE_CHECKING:
    from pipelines.vertex import Run, VertexRuns


def print_list(runs: VertexRuns, config: str, as_json: bool) -> None:
    """The runs of one config, newest first."""
    from pipelines.submission import CONFIG_LABEL

    found = runs.list(f'labels.{CONFIG_LABEL}="{config}"')
    if as_json:
        print_json([plain(run) for run in found])
    elif found:
        rows = [[run.id, run.state, f"{run.created:%Y-%m-%d %H:%M}", took(run)] for run in found]
        print_table(["run", "state", "created (UTC)", "took"], rows)
    else:
        print(f"No runs of {config} in {runs.place.name}.")


def print_run(run: Run, as_json: bool) -> None:
    """One run with its tasks."""
    if as_json:
        print_json(plain(run))
        return
    print(f"{run.id}  {run.state}\n{run.url}\n")
    rows = [[task.path, task.state, took(task), task.error] for task in run.tasks]
    print_table(["task", "state", "took", "error"], rows)


def print_log_commands(runs: VertexRuns, run: Run, wanted: str | None) -> None:
    """How to read the logs of a run's tasks: they lie in Cloud Logging, one custom job each."""
    from components.errors import ConfigError

    tasks = [task for task in run.tasks if wanted in (None, task.path)]
    if not tasks:
        known = ", ".join(task.path for task in run.tasks)
        raise ConfigError(f"{run.id} has no task {wanted!r}; it has {known}")
    for task in tasks:
        print(f"{task.path}  {task.state}  {task.error}".rstrip())
        if task.job:
            print(f"  gcloud ai custom-jobs stream-logs {task.job} {flags(runs)}")
    print(f"All of them, in the console: {run.url}")


def flags(runs: VertexRuns) -> str:
    """The options of gcloud that name the project and region."""
    return f"--project {runs.place.project} --region {runs.place.location}"


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
        "tasks": [
            {"task": task.path, "state": task.state, "error": task.error, "job": task.job}
            for task in run.tasks
        ],
    }


def took(timed: Any) -> str:
    """How long a run or a task took, or '' while it has no beginning or no end."""
    started = timed.started
    if not started or not timed.ended:
        return ""
    minutes, seconds = divmod(int((timed.ended - started).total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
