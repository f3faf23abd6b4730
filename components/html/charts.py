"""Charts as SVG to put into a page: the same bytes for the same data, readable in dark mode.

matplotlib draws them. Colours are written as placeholders and then replaced by the page's CSS
variables; text stays text, in the page's own font.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

INK, SOFT, GRID = "#010203", "#010204", "#010205"
SERIES = ("#010211", "#010212", "#010213", "#010214")
VARIABLES = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    GRID: "var(--grid)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)},
}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "retrain",
    "text.parse_math": False,  # a label with two dollar signs is not a formula
    "font.size": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
MOST_PERCENT = 100.9  # where an axis may end: no mark of it says 101
WIDTH = 4.6  # inches; small, so that a phone need not shrink the text much
MARKERS = "osD^"
ONE_AT_A_TIME = threading.Lock()  # matplotlib's style is the process's, and no thread's own

Interval = tuple[float, float] | None


def bars(
    title: str,
    description: str,
    groups: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    intervals: Mapping[str, Sequence[Interval]] | None = None,
    *,
    axis: str = "",
    limit: float | None = None,
) -> Markup:
    """Draw horizontal bars: one row per group, one bar per series in it.

    Args:
        title: what the chart shows; `description` says what to see in it (for screen readers too).
        groups: names of the rows, top to bottom.
        series: name -> one value per group; None leaves its place empty.
        intervals: series name -> one (low, high) per group, drawn as a whisker.
        axis: what the values are, with their unit.
        limit: where the value axis ends; by default as far as the values go.
    """
    height = 0.7 + len(groups) * (0.12 + 0.17 * len(series))
    with drawing(title, description, height) as (figure, axes):
        thickness = 0.8 / max(1, len(series))
        for number, (name, values) in enumerate(series.items()):
            places = [
                row + (number - (len(series) - 1) / 2) * thickness for row in range(len(groups))
            ]
            shown = [0 if value is None else value for value in values]
            axes.barh(places, shown, thickness * 0.9, color=SERIES[number % 4], label=name)
            for place, interval in zip(places, (intervals or {}).get(name, ()), strict=False):
                if interval is not None:
                    axes.plot(interval, [place, place], color=INK, linewidth=1.2, marker="|")
        axes.set_yticks(range(len(groups)), [shorten(group) for group in groups])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, limit)
        axes.set_xlabel(axis)
        if len(series) > 1:
            legend(figure, axes)
        return svg(figure, title, description)


def lines(
    title: str,
    description: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_axis: str,
    y_axis: str,
    bands: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
) -> Markup:
    """Draw one line per series.

    Args:
        series: name -> (x, y) points in order of x.
        bands: name -> (x, low, high) points: the interval around the line of that name.
    """
    with drawing(title, description, 2.6) as (figure, axes):
        for number, (name, drawn) in enumerate(series.items()):
            colour = SERIES[number % 4]
            axes.plot(
                [x for x, _ in drawn],
                [y for _, y in drawn],
                color=colour,
                marker=MARKERS[number % 4],
                markersize=3,
                linestyle="-" if number < 4 else "--",
                label=name,
                zorder=3 - number / 10,  # the first is what the chart is about
            )
            band = (bands or {}).get(name)
            if band:
                axes.fill_between(
                    [x for x, _, _ in band],
                    [low for _, low, _ in band],
                    [high for _, _, high in band],
                    color=colour,
                    alpha=0.15,
                    linewidth=0,
                )
        if all(float(x).is_integer() for drawn in series.values() for x, _ in drawn):
            axes.xaxis.set_major_locator(
                MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
            )
        if all(y >= 0 for drawn in series.values() for _, y in drawn):
            # A margin below a line of zeros would be of F below zero.
            axes.set_ylim(bottom=max(0.0, axes.get_ylim()[0]))
        # Nothing has more than 100 %: the margin is for the marks alone.
        if "%" in x_axis:
            axes.set_xlim(right=min(MOST_PERCENT, axes.get_xlim()[1]))
        if "%" in y_axis:
            axes.set_ylim(top=min(MOST_PERCENT, axes.get_ylim()[1]))
        axes.set_xlabel(x_axis)
        axes.set_ylabel(y_axis)
        if len(series) > 1:
            legend(figure, axes)
        return svg(figure, title, description)


def histogram(
    title: str,
    description: str,
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    x_axis: str,
    y_axis: str,
    marks: Mapping[str, float] | None = None,
) -> Markup:
    """Draw counts between edges.

    Args:
        edges: one more than `counts`, rising.
        marks: name -> x of a line to draw across, e.g. a limit.
    """
    with drawing(title, description, 2.3) as (figure, axes):
        widths = [high - low for low, high in pairwise(edges)]
        axes.bar(edges[:-1], counts, widths, align="edge", color=SERIES[0], edgecolor=GRID)
        for name, place in (marks or {}).items():
            axes.axvline(place, color=SERIES[1], linestyle="--", linewidth=1.2, label=name)
        axes.grid(axis="x", visible=False)
        axes.set_xlabel(x_axis)
        axes.set_ylabel(y_axis)
        if marks:
            legend(figure, axes)
        return svg(figure, title, description)


def heat_map(
    title: str,
    description: str,
    labels: Sequence[str],
    rows: Sequence[Sequence[int]],
    *,
    x_axis: str,
    y_axis: str,
) -> Markup:
    """Draw a square of counts; the shade is the share of the row.

    Args:
        labels: names of the rows and of the columns.
        rows: counts, one row per label.
    """
    with drawing(title, description, 1.6 + 0.3 * len(labels)) as (figure, axes):
        for row, counts in enumerate(rows):
            total = sum(counts) or 1
            for column, number in enumerate(counts):
                if number:
                    shade = 0.12 + 0.5 * number / total
                    cell = Rectangle((column, row), 1, 1, facecolor=SERIES[0], alpha=shade)
                    axes.add_patch(cell)
                    axes.text(column + 0.5, row + 0.5, str(number), ha="center", va="center")
        names = [shorten(label) for label in labels]
        places = [place + 0.5 for place in range(len(labels))]
        axes.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, names)
        axes.set_xlim(0, len(labels))
        axes.set_ylim(len(labels), 0)
        axes.grid(visible=False)
        axes.set_xlabel(x_axis)
        axes.set_ylabel(y_axis)
        return svg(figure, title, description)


@contextmanager
def drawing(title: str, description: str, height: float) -> Iterator[tuple[Figure, Any]]:
    """Yield a figure and its axes in our style; `height` is in inches."""
    if not title or not description:
        raise ValueError("a chart needs a title and a description, for those who cannot see it")
    with ONE_AT_A_TIME, matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # The reader's browser draws the text, with fonts that have these characters.
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from")
        figure = Figure(figsize=(WIDTH, height))
        yield figure, figure.add_subplot()


def legend(figure: Figure, axes: Any) -> None:
    """Put the names of the series above the axes, where they cover nothing."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        [shorten(name) for name in names],
        loc="outside upper center",
        ncols=min(3, len(names)),
    )


def shorten(name: str, length: int = 24) -> str:
    """Cut a long name, so that it cannot push the chart off the page."""
    return name if len(name) <= length else name[: length - 1] + "…"


def svg(figure: Figure, title: str, description: str) -> Markup:
    """Return the figure as an <svg> element with a name and a description for screen readers."""
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)  # type: ignore[no-untyped-call]
    drawn = re.sub(r"<style.*?</style>", "", buffer.getvalue())
    name = "c" + hashlib.sha256(f"{title}{drawn}".encode()).hexdigest()[:8]
    for colour, variable in VARIABLES.items():
        drawn = drawn.replace(colour, variable)
    drawn = re.sub(r"font(-family)?: ([\d.]+px)?[^;\"]*'[^;\"]*", page_font, drawn)
    # Several charts stand in one page: their ids must differ.
    drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawn)
    size = re.search(r'viewBox="[^"]*"', drawn)
    inner = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    assert size
    return Markup(  # noqa: S704 - matplotlib escapes the text that it writes
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-labelledby="{name}-t {name}-d" {size[0]}>'
        f'<title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(description)}</desc>'
        f"{inner}"
    )


def page_font(written: re.Match[str]) -> str:
    """Replace matplotlib's font by the page's, keeping a size."""
    size = written[2]
    return f"font-size: {size}; font-family: inherit" if size else "font-family: inherit"
