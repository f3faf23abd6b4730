"""A bar chart of a benchmark, into build/bench/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

FOLDER = Path(__file__).parents[1] / "build" / "bench"
RETRAIN = ("retrain", "ingest")
ACCENT, GREY = "#1d70b8", "#b1b4b6"


def bars(name: str, title: str, values: Mapping[str, float]) -> None:
    """Write NAME.svg: a horizontal bar per contender, the first on top, this project's in blue."""
    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.4 * len(values) + 0.5), layout="constrained")
    colours = [ACCENT if each.startswith(RETRAIN) else GREY for each in values]
    drawn = axes.barh(list(values), list(values.values()), color=colours, height=0.7)
    axes.bar_label(drawn, [rounded(value) for value in values.values()], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.02)
    axes.set_title(title, loc="left", x=0, fontweight="bold")
    axes.xaxis.set_visible(False)
    axes.yaxis.set_tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.svg")
    pyplot.close(figure)
    print(f"Chart: {FOLDER / name}.svg")


def rounded(value: float) -> str:
    """A number to three figures, without an exponent."""
    return f"{float(f'{value:.3g}'):,.10g}"
