"""Two runs side by side, on the test documents that both have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from components.errors import ConfigError, RetrainError
from pipelines.results.compare import (
    Comparison,
    common_phases,
    compare_phase,
    comparison_page,
    is_scored,
)
from pipelines.ui.site import Site, url

MOST_RUNS = 200


def page_of(site: Site, old: str, new: str) -> dict[str, Any]:
    """What the page to compare shows.

    Args:
        old, new: runs; "" for the last two.
    """
    runs = scored(site)
    if not old and not new and len(runs) > 1:
        return {"runs": runs, "old": runs[1], "new": runs[0], "comparisons": [], "problem": ""}
    shown: dict[str, Any] = {"runs": runs, "old": old, "new": new, "comparisons": [], "problem": ""}
    if old or new:
        try:
            shown["comparisons"] = [described(one) for one in compared(site, old, new)]
        except RetrainError as error:
            shown["problem"] = str(error)
    return shown


def scored(site: Site) -> list[str]:
    """The newest runs that have scores, newest first."""
    records = site.records.readable(site.records.ids()[:MOST_RUNS])
    return [one.id for one in records if any(map(is_scored, one.tasks.values()))]


def compared(site: Site, old: str, new: str) -> list[Comparison]:
    """The comparisons of two runs, by phase and task.

    Raises:
        ConfigError: there is no such run, or they have nothing to compare.
        DataError: a file of one was deleted.
    """
    for run in (old, new):
        if run not in site.records:
            raise ConfigError(f"There is no run {run!r} here.")
    return comparisons(
        site.records.out, old, new, site.records.signature(old), site.records.signature(new)
    )


@lru_cache(8)
def comparisons(out: Path, old: str, new: str, *_signatures: object) -> list[Comparison]:
    """The same, made once: it takes a second or two."""
    before, after = out / old, out / new
    phases = common_phases(before, after)
    return [one for phase in phases for one in compare_phase(before, after, phase)]


def described(comparison: Comparison) -> dict[str, Any]:
    """A comparison for the page."""
    contrast = comparison.contrast
    rows: list[tuple[str, Mapping[str, Any]]] = [*contrast["per_label"].items()]
    return {
        "name": comparison.name,
        "outcome": comparison.outcome,
        "headline": comparison.headline,
        "basis": comparison.basis,
        "rows": [*rows, ("overall", contrast["overall"])],
        "url": url("compare", comparison.old.run, comparison.new.run, comparison.name),
    }


def report_of(site: Site, old: str, new: str, name: str) -> str:
    """One comparison in the layout of a report.

    Raises:
        ConfigError: there is none.
    """
    for one in compared(site, old, new):
        if one.name == name:
            return comparison_page(one)
    raise ConfigError(f"{old} and {new} have no {name!r} that both have scored.")
