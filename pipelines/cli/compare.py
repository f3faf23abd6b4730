"""`retrain compare`: two runs, on the test documents that both have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import (
    AsJson,
    Open,
    Phases,
    RunReference,
    RunsFolder,
    open_pages,
    pick_phases,
    print_json,
)

if TYPE_CHECKING:
    from pipelines.results.compare import Comparison

OtherRun = Annotated[
    str, typer.Argument(metavar="OTHER", help="The run to compare it with; as RUN")
]


def compare(
    run: RunReference,
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
    for phase in pick_phases(phases, common_phases(first, second)):
        for comparison in compare_phase(first, second, phase):
            target = out / "compared" / f"{first.name}_{second.name}" / f"{comparison.name}.html"
            with writing(target) as path:
                path.write_text(comparison_page(comparison), encoding="utf-8")
            pages.append(target)
            outcome = {"outcome": comparison.outcome, "page": str(target)}
            rows[comparison.name] = comparison.contrast | outcome
            if not as_json:
                print_comparison(comparison, target)
    if as_json:
        print_json({"run": first.name, "other": second.name, "phases": rows})
    if open_:
        open_pages(pages)


def print_comparison(comparison: Comparison, page: Path) -> None:
    """Print one phase of a comparison."""
    from pipelines.cli.tables import print_table

    contrast = comparison.contrast
    lines = [*contrast["per_label"].items(), ("overall", contrast["overall"])]
    print(f"{comparison.name}: {comparison.headline}")
    print_table(
        [
            "label",
            f"{comparison.first.run}>",
            f"{comparison.second.run}>",
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
