"""A bar chart of a benchmark, into build/bench/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

FOLDER = Path(__file__).parents[1] / "build" / "bench"


def bars(name: str, title: str, values: Mapping[str, float]) -> None:
    """Write NAME.svg: one horizontal bar per contender on a log scale, the first on top."""
    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(values) + 1), layout="constrained")
    drawn = axes.barh(list(values), list(values.values()), log=True)
    axes.bar_label(drawn, fmt="{:,.3g}", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title(title)
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.svg")
    pyplot.close(figure)
    print(f"Chart: {FOLDER / name}.svg")
