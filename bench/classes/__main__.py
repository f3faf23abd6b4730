"""How well classes are learnt, beside a linear model and spaCy's own classifiers.

    python -m bench.classes [--data NAME …] [--arms NAME …] [--seeds N]

Real annotations beside the project (../shared/data) are needed. What has run is kept in
build/bench/classes/ and is not run again: remove it to start anew.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.classes.arms import ARMS, run
from bench.classes.data import COLLECTIONS, DATA, ROOT
from bench.run import ONE_THREAD, kept_or_new

KEPT = ROOT / "build" / "bench" / "classes"
COLUMNS = ("macro", "f", "auc", "ece", "coverage", "seconds", "peak")


def main() -> None:
    """Run what is wanted and has not been run yet, and print a table for each collection."""
    if sys.argv[1:2] == ["--one"]:
        arm, data, seed = sys.argv[2:5]
        print(json.dumps(run(ARMS[arm], data, int(seed))))
        return
    parser = argparse.ArgumentParser(prog="bench.classes")
    parser.add_argument("--data", nargs="*", default=["healthsea 400"], choices=list(COLLECTIONS))
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    if not DATA.is_dir():
        parser.error(f"{DATA} is not there")
    os.environ |= ONE_THREAD
    for data in args.data:
        shown = Table("", *COLUMNS, title=data)
        for arm in args.arms:
            seeds = 1 if ARMS[arm].kind == "floor" else args.seeds
            shown.add_row(arm, *summary([figures(arm, data, seed) for seed in range(seeds)]))
        Console(width=120).print(shown)


def figures(arm: str, data: str, seed: int) -> dict[str, Any]:
    """The figures of one run: those that are kept, or new ones."""
    path = KEPT / f"{data} {arm} {seed}.json".replace(" ", "-").replace(",", "")
    return kept_or_new(path, "bench.classes", arm, data, seed)


def summary(runs: list[dict[str, Any]]) -> list[str]:
    """Mean and, over several seeds, spread of each column."""
    cells = []
    for column in COLUMNS:
        values = [one[column] for one in runs if one[column] is not None]
        shown = {"seconds": "{:.1f}", "peak": "{:.0f}"}.get(column, "{:.3f}")
        cell = shown.format(statistics.mean(values)) if values else "-"
        if len(values) > 1:
            cell += " ± " + shown.format(statistics.pstdev(values))
        cells.append(cell)
    return cells


if __name__ == "__main__":
    main()
