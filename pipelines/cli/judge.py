"""`retrain report` and `retrain compare`: look at how good models are."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import AsJson, Phases, RunsFolder, print_json

if TYPE_CHECKING:
    from pipelines.results.compare import Comparison

Run = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, an unambiguous part of it, or latest")
]
OtherRun = Annotated[
    str, typer.Argument(metavar="OTHER", help="The run to compare it with; as RUN")
]
Open = Annotated[bool, typer.Option("--open", help="Open the pages in your browser.")]


def report(
    run: Run,
    phases: Phases = None,
    open_: Open = False,
    out: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Say where a run's reports are, with the verdicts; --open shows them."""
    from pipelines.local.runs import find_run
    from pipelines.results.history import write_history
    from pipelines.results.summary import summary

    found = summary(find_run(out, run))["phases"]
    chosen = {name: found[name] for name in pick(phases, list(found))}
    history = write_history(out)
    if as_json:
        rows = {
            name: {key: phase.get(key) for key in ("report", "decision", "outcome")}
            for name, phase in chosen.items()
        }
        print_json({"phases": rows, "history": str(history)})
    else:
        for name, phase in chosen.items():
            print(f"{name}: {phase.get('report') or 'no report, ' + phase['state']}")
        print(f"all runs: {history}")
    if open_:
        show([Path(phase["report"]) for phase in chosen.values() if phase.get("report")])


def compare(
    run: Run,
    other: OtherRun,
    phases: Phases = None,
    open_: Open = False,
    out: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Compare the models of two runs on the test documents that both have.

    Prints the change of F per label with its 95 % interval, and writes a page per phase.
    """
    from components.files import writing
    from pipelines.local.runs import find_run
    from pipelines.results.compare import common_phases, compare_phase, comparison_page

    first, second = find_run(out, run), find_run(out, other)
    pages, rows = [], {}
    for phase in pick(phases, common_phases(first, second)):
        found = compare_phase(first, second, phase)
        target = out / "compared" / f"{first.name}_{second.name}" / f"{phase}.html"
        with writing(target) as path:
            path.write_text(comparison_page(found), encoding="utf-8")
        pages.append(target)
        rows[phase] = {**found.contrast, "outcome": found.outcome, "page": str(target)}
        if not as_json:
            print_comparison(found, target)
    if as_json:
        print_json({"run": first.name, "other": second.name, "phases": rows})
    if open_:
        show(pages)


def print_comparison(found: Comparison, page: Path) -> None:
    """Print one phase of a comparison."""
    from pipelines.cli.tables import print_table

    contrast = found.contrast
    lines = [*contrast["per_label"].items(), ("overall", contrast["overall"])]
    print(f"{found.phase}: {found.headline}")
    print_table(
        [
            "label",
            f"{found.first.run}>",
            f"{found.second.run}>",
            "change>",
            "95 % interval",
            "better>",
        ],
        [cells(label, row) for label, row in lines],
    )
    print(f"page: {page}\n")


def cells(label: str, row: dict[str, Any]) -> list[str]:
    """One line of the table: both F, the change and how sure it is."""
    from components.html.format import percent, points, points_span

    return [
        label,
        percent(row["f"]["new"]),
        percent(row["f"]["champion"]),
        points(row["difference"]),
        points_span(row["interval"]),
        f"{percent(row['better'])} %",
    ]


def pick(asked: list[str] | None, there: list[str]) -> list[str]:
    """The phases that were asked for, or all."""
    from components.errors import ConfigError

    unknown = sorted({*(asked or ())} - {*there})
    if unknown:
        raise ConfigError(f"--phase {', '.join(unknown)}: there is only {', '.join(there)}.")
    return asked or there


def show(pages: list[Path]) -> None:
    """Open pages in the browser."""
    for page in pages:
        webbrowser.open(page.resolve().as_uri())
