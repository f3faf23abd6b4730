"""The charts of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from components.html import charts
from components.html.format import percent

MOST_LABELS = 30  # a larger confusion matrix cannot be read


def label_chart(scores: Mapping[str, Any], name: str, other: str) -> Markup:
    """F by label with intervals, beside the other model's if there is one."""
    groups = [*scores["labels"], "overall"]
    rows = [*scores["labels"].values(), scores["overall"]]
    series = {name: in_percent([row["f"] for row in rows])}
    compared = (scores["champion"] or {}).get("comparison")
    if compared and compared["labels"]:
        others = [compared["per_label"].get(label, {}).get("f", {}) for label in scores["labels"]]
        others.append(compared["overall"]["f"])
        series[other] = in_percent([one.get("champion") for one in others])
    intervals = {name: [in_percent_pair(row["interval"]["f"]) for row in rows]}
    summary = "; ".join(
        f"{group} {percent(row['f'])}" for group, row in zip(groups, rows, strict=True)
    )
    return charts.bars(
        "F by label",
        f"F in percent: {summary}.",
        groups,
        series,
        intervals,
        axis="F (%)",
        limit=100,
    )


def reliability_chart(diagram: Sequence[Mapping[str, float]]) -> Markup | None:
    """How often the model was right against how sure it was; None without an answer."""
    if not diagram:
        return None
    points = [(100 * one["confidence"], 100 * one["right"]) for one in diagram]
    summary = ", ".join(f"{right:.0f} % right at {sure:.0f} %" for sure, right in points)
    return charts.lines(
        "How sure and how right",
        f"Reliability diagram: {summary}.",
        {"this model": points, "if it could be believed": [(0.0, 0.0), (100.0, 100.0)]},
        x_axis="probability that the model gave, %",
        y_axis="right, %",
    )


def confusion_chart(confusion: Mapping[str, Any]) -> Markup | None:
    """Gold labels by predicted labels; None where there are too many to see anything."""
    meaning = "Rows are what annotators marked, columns what the model said."
    return heat_map_of("Which label was taken for which", meaning, confusion)


def together_chart(cooccurrence: Mapping[str, Any]) -> Markup | None:
    """Labels that documents have by labels said of them; None where there are too many to see."""
    meaning = "Rows are labels that documents have, columns what the model said of these documents."
    return heat_map_of("Which labels go together", meaning, cooccurrence)


def heat_map_of(title: str, meaning: str, table: Mapping[str, Any]) -> Markup | None:
    """A table of annotators' labels by the model's as a heat map."""
    if len(table["labels"]) > MOST_LABELS:
        return None
    return charts.heat_map(
        title,
        f"{meaning} The table below has the same numbers.",
        table["labels"],
        table["rows"],
        x_axis="model",
        y_axis="annotators",
    )


def training_charts(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """Name and chart of loss and of each task's F on dev over the steps; empty without a history.

    A history has F under `f`, or under `topic.f` where several tasks were trained.
    """
    if not history:
        return []
    loss = loss_per_step(history)
    summary = f"The loss went from {loss[0][1]:.4g} to {loss[-1][1]:.4g} in {loss[-1][0]} steps."
    drawn = [("Training loss per step", summary, {"loss": loss}, "loss per step")]
    keys = dict.fromkeys(key for entry in history for key in entry)
    points = {
        "F" if key == "f" else key.removesuffix(".f"): [
            (entry["step"], 100 * entry[key]) for entry in history if entry.get(key) is not None
        ]
        for key in keys
        if key == "f" or key.endswith(".f")
    }
    scored = {name: measured for name, measured in points.items() if measured}
    if scored:
        best = {name: max(each, key=lambda point: point[1]) for name, each in scored.items()}
        listed = "; ".join(
            f"{'' if name == 'F' else f'of {name} '}{f:.1f} at step {step}"
            for name, (step, f) in best.items()
        )
        summary = f"The best F: {listed}."
        # Runs of before do not say it.
        if kept := [entry["step"] for entry in history if entry.get("kept")]:
            summary += f" The weights of step {kept[-1]} are those of the model."
        drawn.append(("F on the dev documents", summary, scored, "F (%)"))
    return [
        (f"{title}. {summary}", charts.lines(title, summary, series, x_axis="step", y_axis=axis))
        for title, summary, series, axis in drawn
    ]


def loss_per_step(history: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """Step and mean loss of a step.

    Entries of older runs have no `steps`: their loss is the sum since the evaluation before.
    """
    before = -1  # the first evaluation comes after step 0
    points = []
    for entry in history:
        step = entry["step"]
        summed = 1 if "steps" in entry else max(1, step - before)
        points.append((step, entry["loss"] / summed))
        before = step
    return points


def in_percent(values: Sequence[float | None]) -> list[float | None]:
    """Fractions as percentages."""
    return [None if value is None else 100 * value for value in values]


def in_percent_pair(interval: Sequence[float] | None) -> tuple[float, float] | None:
    """An interval of fractions as percentages."""
    return (100 * interval[0], 100 * interval[1]) if interval else None
