"""`retrain compare`: two runs, on the test documents that both have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import (
    AsJson,
    Open,
    Phases,
    RunsFolder,
    open_pages,
    pick_phases,
    print_json,
)

if TYPE_CHECKING:
    from pipelines.results.compare import Comparison

OldRun = Annotated[
    str, typer.Argument(metavar="OLD", help="A run's id, an unambiguous part of it, or latest")
]
NewRun = Annotated[
    str, typer.Argument(metavar="NEW", help="The run to compare it with; latest if left out")
]


def compare(
    old: OldRun,
    new: NewRun = "latest",
    phases: Phases = None,
    pages: Annotated[
        bool, typer.Option("--pages", help="Write a page for each phase; --open does, too.")
    ] = False,
    open_: Open = False,
    out: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Say how the models of a new run differ from those of an old one, label by label.

    Both are scored on the test documents that both have; a change is that of F from old to new,
    with its 95 % interval.
    """
    from pipelines.local.runs import find_run
    from pipelines.results.compare import common_phases, compare_phase

    before, after = find_run(out, old), find_run(out, new)
    written, rows = [], {}
    for phase in pick_phases(phases, common_phases(before, after)):
        for comparison in compare_phase(before, after, phase):
            rows[comparison.name] = {
                **comparison.contrast,
                "outcome": comparison.outcome,
                "documents": comparison.shared,
                "left_out": comparison.left_out,
            }
            if not as_json:
                print_comparison(comparison)
            if pages or open_:
                target = out / "compared" / f"{before.name}_{after.name}" / comparison.name
                written.append(write_page(comparison, target.with_suffix(".html")))
                rows[comparison.name]["page"] = str(written[-1])
                if not as_json:
                    print(f"page: {written[-1]}\n")
    if as_json:
        print_json({"old": before.name, "new": after.name, "phases": rows})
    if open_:
        open_pages(written)


def write_page(comparison: Comparison, target: Path) -> Path:
    """Write the page of a comparison; return its path."""
    from components.files import writing
    from pipelines.results.compare import comparison_page

    with writing(target) as path:
        path.write_text(comparison_page(comparison), encoding="utf-8")
    return target


def print_comparison(comparison: Comparison) -> None:
    """Print one phase of a comparison."""
    from pipelines.cli.tables import print_table

    contrast = comparison.contrast
    lines = [*contrast["per_label"].items(), ("overall", contrast["overall"])]
    print(f"{comparison.name}: {comparison.headline}\n{comparison.basis}")
    print_table(
        ["label", "old F>", "new F>", "change>", "95 % interval", "the new one is"],
        [cells(label, row) for label, row in lines],
    )
    print()


def cells(label: str, row: dict[str, Any]) -> list[str]:
    """One line of the table: both F, the change and whether it is more than chance."""
    from components.html.format import percent, points, points_span, standing

    return [
        label,
        percent(row["f"]["champion"]),
        percent(row["f"]["new"]),
        points(row["difference"]),
        points_span(row["interval"]),
        standing(row),
    ]
