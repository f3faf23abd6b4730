"""`runs/index.html`: every run on this machine, its decision and scores, and how they moved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from components.errors import DataError
from components.files import read_json, writing
from components.html import charts, page
from pipelines.local.runs import RunRecord, list_runs
from pipelines.results.summary import phases_of, summary

TEMPLATE = Path(__file__).parent / "pages" / "history.html"
DECISIONS = {
    "promoted": "promoted",
    "in-production": "in production as before",
    "held": "held",
    "withdrawn": "withdrawn before",
    "overtaken": "overtaken",
    "not-kept": "held",
}


@dataclass(frozen=True)
class Entry:
    """One phase of one run.

    Attributes:
        number: of the run, 1 for the oldest; the x of the chart.
        started_by: the command that started the run, or else its config file.
        decision: what became of the model, one of DECISIONS, "waits", or "" when the run did not
            get that far.
        why: the reason of one that waits.
        documents: annotated documents that it stood on; None when it did not get that far.
        digest: first characters of the digest of the annotations.
        tasks: what `evaluate` wrote, by task; empty when the run did not get that far.
        links: name -> relative URL.
    """

    number: int
    run: str
    phase: str
    started_by: str
    started: str
    seconds: float
    state: str
    decision: str
    why: str
    documents: int | None
    digest: str
    tasks: dict[str, dict[str, Any]]
    links: dict[str, str]


def write_history(out: Path) -> Path:
    """Write the page for a folder of runs; return its path."""
    rows = entries(out)
    html = page.render(
        TEMPLATE,
        title="Runs on this machine",
        kicker=str(out),
        entries=rows[::-1],
        charts=score_charts(rows),
    )
    target = out / "index.html"
    with writing(target) as path:
        path.write_text(html, encoding="utf-8")
    return target


def entries(out: Path) -> list[Entry]:
    """All phases of all runs, oldest first."""
    rows = []
    for number, record in enumerate(reversed(list_runs(out)), start=1):
        # A run whose files were tidied away has nothing to show, and must not hide the others.
        with suppress(DataError, KeyError):
            rows += entries_of(out, record, number)
    return rows


def entries_of(out: Path, record: RunRecord, number: int) -> list[Entry]:
    """The phases of one run that were to run; those of a learning curve pass no gate."""
    phases = summary(out / record.id)["phases"]
    return [
        entry(out, record, number, phase, phases[phase])
        for phase in phases_of(record)
        if phases[phase]["state"] != "not-run"
        and {f"{phase}/gate", f"{phase}/upload"} & record.tasks.keys()
    ]


def entry(out: Path, record: RunRecord, number: int, phase: str, outcome: dict[str, Any]) -> Entry:
    """One line of the history from what `summary` says about a phase."""
    data = data_report(record, phase)
    logs = out / record.id / "logs"
    paths = {"report": outcome.get("report"), "data": outcome.get("data_report"), "logs": str(logs)}
    return Entry(
        number=number,
        run=record.id,
        phase=phase,
        started_by=record.command or record.config,
        started=datetime.fromisoformat(record.started).strftime("%Y-%m-%d %H:%M"),
        seconds=record.seconds,
        state=outcome["state"],
        decision="waits" if "why" in outcome else DECISIONS.get(outcome.get("outcome", ""), ""),
        why=outcome.get("why", ""),
        documents=data["records"]["kept"] if data else None,
        digest=data["digest"][:8] if data else "",
        tasks=outcome.get("tasks", {}),
        links={name: link(out, path) for name, path in paths.items() if path},
    )


def data_report(record: RunRecord, phase: str) -> dict[str, Any] | None:
    """What `ingest` said about the data of a phase; None if it did not get that far."""
    task = record.tasks.get(f"{phase}/ingest")
    if task is None or "data_report" not in task.artifacts:
        return None
    report: dict[str, Any] = read_json(Path(task.artifacts["data_report"].uri))
    return report


def link(out: Path, path: str) -> str:
    """A URL relative to the page, so that the folder can be moved or served."""
    return quote(os.path.relpath(path, out.resolve()))


def score_charts(rows: Sequence[Entry]) -> list[tuple[str, Markup]]:
    """Per phase and task that ran more than once: overall F over the runs, with its interval."""
    drawn = []
    for phase, task in dict.fromkeys((one.phase, task) for one in rows for task in one.tasks):
        scored = [
            (one.number, one.tasks[task]["overall"], len(one.tasks))
            for one in rows
            if one.phase == phase and task in one.tasks
        ]
        title = phase if max(several for _, _, several in scored) == 1 else f"{phase}, {task}"
        points = [(number, 100 * row["f"]) for number, row, _ in scored if row["f"] is not None]
        if len(points) < 2:
            continue
        bands = [
            (number, 100 * row["interval"]["f"][0], 100 * row["interval"]["f"][1])
            for number, row, _ in scored
            if row["interval"]["f"]
        ]
        description = (
            f"F on test went from {points[0][1]:.1f} to {points[-1][1]:.1f} in {len(points)} runs."
        )
        drawn.append(
            (
                f"{title}. {description} The band is the 95 % interval.",
                charts.lines(
                    f"{title}: overall F by run",
                    description,
                    {title: points},
                    x_axis="run",
                    y_axis="F (%)",
                    bands={title: bands},
                ),
            )
        )
    return drawn
