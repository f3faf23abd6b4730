"""How the scores of each phase have moved over the runs, label by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from components.html import charts
from pipelines.results.history import Entry, score_charts
from pipelines.ui.site import Site, entries, url

# So many of the newest runs are looked at, drawn and listed.
MOST_RUNS, MOST_COLUMNS = 200, 8
MOST_LINES = 8


@dataclass(frozen=True)
class Column:
    """A run in the table."""

    number: int
    day: str
    url: str


@dataclass(frozen=True)
class History:
    """The scores of a task of a phase.

    Attributes:
        charts: name and chart; none before there are two scores.
        columns: the newest runs that were scored; `rows` label -> F in each, None where it has
            none, overall the last.
    """

    title: str
    charts: list[tuple[str, Markup]]
    columns: list[Column]
    rows: list[tuple[str, list[float | None]]]


def histories(site: Site) -> list[History]:
    """Those of all phases that were scored of late."""
    newest = [run for run in site.records.ids()[:MOST_RUNS] if run in site.records]
    return made(site, tuple((run, site.records.signature(run)) for run in newest))


@lru_cache(2)
def made(site: Site, _records: tuple[tuple[str, tuple[int, int]], ...]) -> list[History]:
    """The same, made once as long as no record changes: charts take a second."""
    lines, _ = entries(site, site.records.ids(), 0, MOST_RUNS)
    lines.reverse()
    found = sorted({(line.phase, task) for line in lines for task in line.tasks})
    return [history(phase, task, lines) for phase, task in found]


def history(phase: str, task: str, lines: Sequence[Entry]) -> History:
    """One of them.

    Args:
        lines: of the history of all runs, oldest first.
    """
    scored = [line for line in lines if line.phase == phase and task in line.tasks]
    several = max(len(line.tasks) for line in scored) > 1
    newest = scored[: -MOST_COLUMNS - 1 : -1]
    labels = dict.fromkeys(label for line in newest for label in line.tasks[task]["labels"])
    rows = [
        (label, [f_of(line.tasks[task]["labels"].get(label)) for line in newest])
        for label in labels
    ]
    rows.append(("overall", [f_of(line.tasks[task]["overall"]) for line in newest]))
    return History(
        f"{phase}, {task}" if several else phase,
        charts_of(phase, task, scored),
        [Column(one.number, one.started[:10], url("runs", one.run)) for one in newest],
        rows,
    )


def f_of(row: dict[str, Any] | None) -> float | None:
    """F of a row of scores, which may be missing."""
    return None if row is None else row["f"]


def charts_of(phase: str, task: str, lines: Sequence[Entry]) -> list[tuple[str, Markup]]:
    """Overall F, and F of the labels, over the runs."""
    about_task = [replace(line, tasks={task: line.tasks[task]}) for line in lines]
    return [*score_charts(about_task), *by_label(phase, task, lines)]


def by_label(phase: str, task: str, lines: Sequence[Entry]) -> list[tuple[str, Markup]]:
    """F of the labels with the most examples over the runs, if there are two scores."""
    labels: dict[str, int] = {}
    for line in lines:
        for label, row in line.tasks[task]["labels"].items():
            labels[label] = row["support"]
    chosen = sorted(labels, key=lambda label: -labels[label])[:MOST_LINES]
    series = {
        label: [
            (float(line.number), 100 * f)
            for line in lines
            if (f := f_of(line.tasks[task]["labels"].get(label))) is not None
        ]
        for label in chosen
    }
    series = {label: points for label, points in series.items() if len(points) > 1}
    if not series:
        return []
    which = "" if len(labels) <= MOST_LINES else f" of the {MOST_LINES} labels with most examples"
    description = f"F on test{which} by run; the table below has the numbers."
    title = f"{phase}: F by label and run"
    drawing = charts.lines(title, description, series, x_axis="run", y_axis="F (%)")
    return [(description, drawing)]
