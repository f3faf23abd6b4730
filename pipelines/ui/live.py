"""A run as it is now: its stages, how training goes, the end of its log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from components.errors import DataError
from components.report.figures import training_charts
from components.scoring.document import Blocks, read_scores
from pipelines.local.live_view import branches, describe, duration, figures
from pipelines.local.runner.tasks import progress_path
from pipelines.local.runs import RunRecord, TaskRecord, output_of, tail
from pipelines.results.outcome import PhaseOutcome, finished
from pipelines.ui.site import Site, fragment, url

POLL_SECONDS = 1.0
ALIVE_EVERY = 15  # polls: a comment that tells a proxy and us whether anybody listens
LOG_LINES = 40


@dataclass(frozen=True)
class Stage:
    """A task of a branch; `log` is the URL of its log, "" for none."""

    name: str
    state: str
    said: str
    log: str


@dataclass(frozen=True)
class Branch:
    """A phase, or a task that stands alone.

    Attributes:
        figures: how training goes, in words.
        done: steps of its training that are done, a fraction; None where nobody knows.
        charts: name and chart of loss and F.
    """

    name: str
    stages: list[Stage]
    figures: list[str]
    done: float | None
    charts: list[tuple[str, Markup]]


def branches_of(site: Site, record: RunRecord) -> list[Branch]:
    """The branches of a run."""
    return [
        branch_of(site, record, name, tasks)
        for name, tasks in branches(record).items()
        if any(task.state != "not-run" for task in tasks)
    ]


def branch_of(site: Site, record: RunRecord, name: str, tasks: Sequence[TaskRecord]) -> Branch:
    """One of them."""
    reported = progress_of(site.out / record.id, tasks)
    return Branch(
        name,
        [
            Stage(
                task.stage,
                task.state,
                describe(task),
                url("runs", record.id, "logs", task.task) if task.log else "",
            )
            for task in tasks
        ],
        figures(reported),
        fraction_of(reported),
        curves(site.out, record.id, tasks),
    )


def progress_of(run: Path, tasks: Sequence[TaskRecord]) -> dict[str, Any]:
    """What the running tasks of a branch last reported; empty if nothing."""
    reported: dict[str, Any] = {}
    for task in tasks:
        if task.state == "running":
            try:
                said = json.loads(progress_path(run / task.task).read_bytes())
            except (OSError, ValueError):
                continue
            reported.update(said if isinstance(said, dict) else {})
    return reported


def fraction_of(reported: Mapping[str, Any]) -> float | None:
    """How much of a training is done at least: it may end before its last step."""
    step, last = reported.get("step"), reported.get("max_steps")
    if isinstance(step, int | float) and isinstance(last, int | float) and last > 0:
        return min(1.0, max(0.0, step / last))
    return None


def curves(out: Path, run: str, tasks: Sequence[TaskRecord]) -> list[tuple[str, Markup]]:
    """Loss and F of a branch's training so far."""
    for task in tasks:
        log = training_log(out, run, task)
        if log:
            history = log / "history.jsonl"
            try:
                status = history.stat()
            except OSError:
                return []
            return drawn(history, status.st_mtime_ns, status.st_size)
    return []


def training_log(out: Path, run: str, task: TaskRecord) -> Path | None:
    """The folder of a training's log, as it is while it runs, too; None for any other task."""
    if task.stage != "train" or task.state == "not-run":
        return None
    if "log" in task.artifacts:
        return Path(task.artifacts["log"].uri)
    return out / run / task.task / "log" if task.started else None


@lru_cache(64)
def drawn(history: Path, _changed: int, _size: int) -> list[tuple[str, Markup]]:
    """The charts of a history, drawn once for all that look at it."""
    return training_charts(history_so_far(history))


def history_so_far(path: Path) -> list[dict[str, Any]]:
    """The evaluations of a training that may be going on: its last line need not be whole."""
    try:
        written = path.read_bytes().splitlines(keepends=True)
        return [json.loads(line) for line in written if line.endswith(b"\n")]
    except (OSError, ValueError):
        return []


def log_of(site: Site, record: RunRecord) -> tuple[str, list[str]]:
    """The task whose log says most now, and the end of it: what failed, else what runs."""
    logged = [task for task in record.tasks.values() if task.log]
    logged.sort(
        key=lambda task: (task.state == "failed", task.state == "running", task.started or "")
    )
    if not logged:
        return "", []
    last = logged[-1]
    return last.task, log_tail(site, last, LOG_LINES)


def log_path_of(site: Site, task: TaskRecord) -> Path | None:
    """Where the log of a task lies; None if it has none among the runs."""
    if not task.log:
        return None
    path = (site.records.out / task.log).resolve()
    return path if path.is_relative_to(site.records.out) else None


def log_tail(site: Site, task: TaskRecord, lines: int) -> list[str]:
    """The last lines of a task's log; none if it is gone."""
    path = log_path_of(site, task)
    return tail(path, lines) if path else []


def parts(site: Site, run: str) -> dict[str, Markup]:
    """The parts of a run's page that change, as HTML by the id of their place.

    Raises:
        DataError: the run cannot be read.
    """
    record = site.records.get(run)
    task, lines = log_of(site, record)
    every = branches_of(site, record)
    scores = scores_of(record)
    return {
        "outcomes": fragment(
            "run_outcomes.html",
            record=record,
            outcomes=chosen(site, run),
            scores=scores,
            links=links_of(record),
        ),
        "stages": fragment("run_stages.html", branches=every),
        "progress": fragment(
            "run_progress.html", record=record, branches=every, took=duration(record.seconds)
        ),
        "curves": fragment("run_curves.html", branches=every),
        "scores": fragment("run_scores.html", scores=scores),
        "log": fragment("run_log.html", task=task, lines=lines, url=url("runs", run, "logs", task)),
    }


def scores_of(record: RunRecord) -> dict[str, Blocks]:
    """What each phase of a run scored, by task; nothing of what was deleted since."""
    scored = {}
    for task in record.tasks.values():
        if task.stage == "evaluate" and finished(task):
            try:
                scored[task.branch] = read_scores(output_of(record, task, "scores"))
            except DataError:
                continue
    return scored


def chosen(site: Site, run: str) -> list[PhaseOutcome]:
    """What became of the phases that were to run."""
    return [one for one in site.records.outcomes(run).values() if one.end != "not-run"]


def links_of(record: RunRecord) -> dict[str, dict[str, str]]:
    """By phase: what can be read of it, name and URL."""
    links: dict[str, dict[str, str]] = {}
    for key, document in DOCUMENTS.items():
        for task in record.tasks.values():
            made = finished(task) and document.output in task.artifacts
            if made and task.stage in document.stages:
                there = links.setdefault(task.branch, {})
                there[document.title] = url("runs", record.id, task.branch, key)
    return links


@dataclass(frozen=True)
class Document:
    """What the app shows of a phase: an output, and the stages that may have written it."""

    title: str
    stages: tuple[str, ...]
    output: str


# Gate and report were tasks of their own once.
DOCUMENTS = {
    "report": Document("Report", ("upload", "report"), "report"),
    "data": Document("Data report", ("ingest",), "report"),
    "review": Document("Annotations to review", ("upload", "report"), "review"),
    "to-review": Document("A teacher's answers to review", ("label",), "review"),
    "queue": Document("Texts to label next", ("queue",), "queue"),
}


async def stream(
    runs: Callable[[], bool], parts_now: Callable[[], Mapping[str, Markup]]
) -> AsyncIterator[bytes]:
    """The parts of a page as server-sent events, each when it has changed, while something runs."""
    sent: Mapping[str, Markup] = {}
    silent = 0
    while True:
        running = await asyncio.to_thread(runs)
        now = await asyncio.to_thread(parts_now)
        changed = {name: html for name, html in now.items() if sent.get(name) != html}
        for name, html in changed.items():
            yield event(name, html)
        if not running:
            yield event("over", "")
            return
        silent = 0 if changed else silent + 1
        if silent >= ALIVE_EVERY:
            yield b": still here\n\n"
            silent = 0
        sent = now
        await asyncio.sleep(POLL_SECONDS)


def event(name: str, html: str) -> bytes:
    """One server-sent event; as JSON, since a line of its data may end in other ways, too."""
    return f"event: {name}\ndata: {json.dumps(html)}\n\n".encode()
