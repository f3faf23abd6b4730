"""`runs/index.html`: every run on this machine, what came of it, its scores, how they moved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from components.files import read_json, writing
from components.html import charts, page
from pipelines.local.live_view import duration
from pipelines.local.runs import PAGE, RunRecord, list_runs, output_of
from pipelines.results.outcome import PhaseOutcome, outcomes
from pipelines.results.summary import noting, phase_summary

TEMPLATE = Path(__file__).parent / "pages" / "history.html"


@dataclass(frozen=True)
class Entry:
    """One phase of one run.

    Attributes:
        number: of the run, 1 for the oldest; the x of the chart.
        started_by: the command that started the run, or else its config file.
        took: how long the run took.
        state: of the phase's tasks together; `tone` good, bad or "".
        short: what became of it in two or three words.
        message: what became of it and what is in production, a sentence; `reasons` say why.
        documents: annotated documents that it stood on; None when it did not get that far.
        sources: files of the annotations, and records in each; digest: its first characters.
        tasks: what `evaluate` wrote, by task; empty when the run did not get that far.
        links: name -> relative URL.
        missing: files that were deleted since, a sentence each.
    """

    number: int
    run: str
    phase: str
    started_by: str
    started: str
    took: str
    state: str
    tone: str
    short: str
    message: str
    reasons: list[str]
    documents: int | None
    sources: dict[str, int]
    digest: str
    tasks: dict[str, dict[str, Any]]
    links: dict[str, str]
    missing: list[str]


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
    target = out / PAGE
    with writing(target) as path:
        path.write_text(html, encoding="utf-8")
    return target


def entries(out: Path) -> list[Entry]:
    """All phases of all runs, oldest first."""
    return [
        entry
        for number, record in enumerate(reversed(list_runs(out)), start=1)
        for entry in entries_of(out, record, number)
    ]


def entries_of(out: Path, record: RunRecord, number: int) -> list[Entry]:
    """The phases of one run that were to run; those of a learning curve pass no gate."""
    run = out / record.id
    return [
        entry(out, record, number, outcome)
        for phase, outcome in outcomes(run, record).items()
        if outcome.state != "not-run" and {f"{phase}/gate", f"{phase}/upload"} & record.tasks.keys()
    ]


def entry(out: Path, record: RunRecord, number: int, outcome: PhaseOutcome) -> Entry:
    """One line of the history."""
    said = phase_summary(out / record.id, record, outcome)
    missing = said.get("missing", [])
    data = None
    with noting(missing):
        data = data_report(record, outcome.phase)
    logs = str(out / record.id / "logs")
    paths = {"report": said.get("report"), "data": said.get("data_report"), "logs": logs}
    return Entry(
        number=number,
        run=record.id,
        phase=outcome.phase,
        started_by=record.command or record.config,
        started=datetime.fromisoformat(record.started).strftime("%Y-%m-%d %H:%M"),
        took=duration(record.seconds),
        state=outcome.state,
        tone=outcome.tone,
        short=outcome.short,
        message=outcome.message,
        reasons=said["reasons"],
        documents=data["records"]["kept"] if data else None,
        sources=data.get("sources", {}) if data else {},
        digest=data["digest"][:8] if data else "",
        tasks=said.get("tasks", {}),
        links={name: link(out, path) for name, path in paths.items() if path},
        missing=missing,
    )


def data_report(record: RunRecord, phase: str) -> dict[str, Any] | None:
    """What `ingest` said about the data of a phase; None if it did not get that far.

    Raises:
        DataError: it was deleted.
    """
    task = record.tasks.get(f"{phase}/ingest")
    if task is None or "data_report" not in task.artifacts:
        return None
    report: dict[str, Any] = read_json(output_of(record, task, "data_report"))
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
