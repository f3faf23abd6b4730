"""The data report for people: an HTML page, and Markdown for the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.html.charts import bars, histogram
from components.html.format import counted
from components.html.markdown import escape
from components.html.page import all_runs, render
from components.ingest.summary import Report

TEMPLATE = Path(__file__).with_name("data_report.html")

MOST_SOURCES = 20

HEADLINES = {
    "fit": "Fit to train on",
    "warnings": "Fit to train on, with warnings",
    "unfit": "Not fit to train on",
}
TONES = {"fit": "good", "warnings": "warn", "unfit": "bad"}
CONSEQUENCES = {
    "stop": "stops the run",
    "quarantine": "left out, in quarantine",
    "repair": "repaired",
    "warn": "warning",
}


def page(report: Report) -> str:
    """The report as one HTML file."""
    return render(
        TEMPLATE,
        title="Data report",
        made_from=f"{counted(len(report['sources']), 'file')} of annotations",
        links=all_runs(),
        headline=HEADLINES[report["status"]],
        tone=TONES[report["status"]],
        consequences=CONSEQUENCES,
        report=report,
        sources=dict(list(report["sources"].items())[:MOST_SOURCES]),
        label_charts={name: label_chart(task) for name, task in report["tasks"].items()},
        length_chart=length_chart(report["lengths"]),
    )


def label_chart(task: dict[str, Any]) -> str:
    rows = task["labels"].values()
    if of_texts(task):
        summary = "Documents that have each label, and that are known not to, among those kept."
        series = {"have it": "documents", "do not": "wrong"}
    else:
        summary = f"{task['unit'].capitalize()} and documents of each label, among those kept."
        series = {task["unit"]: "count", "documents": "documents"}
    return bars(
        "Examples of each label",
        summary,
        list(task["labels"]),
        {name: [counts[key] for counts in rows] for name, key in series.items()},
        axis="count",
    )


def of_texts(task: dict[str, Any]) -> bool:
    """Whether the labels of a task are classes of whole texts."""
    return any("wrong" in counts for counts in task["labels"].values())


def length_chart(lengths: dict[str, Any]) -> str:
    return histogram(
        "Length of the texts",
        f"Documents by number of tokens; the longest has {lengths['longest']}.",
        lengths["edges"],
        lengths["counts"],
        x_axis="tokens (longer texts count in the last bar)",
        y_axis="documents",
    )


def markdown(report: Report) -> str:
    """The report in short."""
    records = report["records"]
    lines = [
        f"## Data: {HEADLINES[report['status']].lower()}",
        "",
        *(f"- **{escape(reason)}**" for reason in report["reasons"]),
        f"- {records['in']:,} records in: {records['kept']:,} kept, {records['skipped']:,} "
        f"skipped, {records['quarantined']:,} in quarantine "
        f"({report['quarantined_fraction']:.1%}; at most {report['max_quarantined']:.1%})",
        *(f"- skipped: {count:,} ({escape(why)})" for why, count in report["skipped"].items()),
        *(line for name, task in report["tasks"].items() for line in task_lines(name, task)),
    ]
    if report["problems"]:
        lines += ["", "| problem | what happened | count | where first |", "|---|---|---:|---|"]
    for problem in report["problems"]:
        first = ", ".join(map(escape, problem["first"][:3]))
        what = CONSEQUENCES[problem["policy"]]
        lines.append(f"| {problem['title']} | {what} | {problem['count']:,} | {first} |")
    return "\n".join(lines) + "\n"


def task_lines(name: str, task: dict[str, Any]) -> list[str]:
    """The labels of a task, and how far its annotators agree."""
    lines = [
        "",
        f"| label of {escape(name)} | "
        + ("have it | do not |" if of_texts(task) else f"{task['unit']} | documents |"),
        "|---|---:|---:|",
        *(
            f"| {escape(label)} | {counts['count']:,} | "
            f"{counts['wrong' if of_texts(task) else 'documents']:,} |"
            for label, counts in task["labels"].items()
        ),
    ]
    if agreement := task["agreement"]:
        lines += [
            "",
            f"Agreement (F) on {agreement['texts']:,} texts: {percentage(agreement['f'])}",
        ]
    for reason, count in task["quarantined"].items():
        lines += ["", f"Kept without {escape(name)}: {count:,} ({reason})"]
    for remark in task["remarks"]:
        lines += ["", remark]
    return lines


def percentage(fraction: float | None) -> str:
    return "undefined" if fraction is None else f"{fraction:.1%}"
