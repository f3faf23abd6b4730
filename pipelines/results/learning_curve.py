"""The learning curve: would more annotations help, and for which labels?

Trains on growing parts of the training documents, as Prodigy's train-curve does, and looks at what
the last share brought, per label and with its noise. It runs on this machine, by the same runner
and stages as a retrain, so data that a run has prepared is reused.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from components.errors import ConfigError
from components.evaluate.settings import settings_of
from components.files import writing
from components.html import charts, page
from components.html.format import percent, points, points_span
from components.records.prediction import Prediction, read_predictions
from components.scoring.compare import compare
from components.scoring.counts import count
from components.scoring.document import Blocks, read_scores, rows_of
from pipelines.config.load import Loaded
from pipelines.dag.learning_curve import branch_name, curve_spec
from pipelines.local.run import RunResult, run_spec
from pipelines.local.runner.listeners import Listener
from pipelines.local.runs import find_task, output_of, read_record

PAGE = Path(__file__).parent / "pages" / "curve.html"
FEW = 10  # entities in test; with fewer, nothing can be said about a label
WORTH = 0.01  # F; a smaller gain is not worth the annotators' time


@dataclass(frozen=True)
class Point:
    """What a share of the training documents gave.

    Attributes:
        percent: of the training documents; `documents` is what it came to.
        blocks: what `evaluate` wrote, by task; `predictions` as well.
    """

    percent: int
    documents: int
    blocks: Blocks
    predictions: list[Prediction]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Scores by label, with "overall" as the last; of several tasks as "topic: tax"."""
        return rows_of(self.blocks)


@dataclass(frozen=True)
class Advice:
    """What the last share brought for a label, and what follows from it."""

    label: str
    gain: float | None
    interval: tuple[float, float] | None
    answer: Literal["yes", "perhaps", "hardly", "unknown"]
    text: str


def run_curve(
    loaded: Loaded,
    phase: str,
    percents: Sequence[int],
    *,
    workers: int | None,
    out: Path,
    view: Listener,
) -> RunResult:
    """Train and score every share on this machine.

    Args:
        view: what is shown while it runs.

    Raises:
        ConfigError: there is no such phase, or the shares are not between 1 and 100 and rising.
    """
    if phase not in loaded.pipeline.phases:
        known = ", ".join(loaded.pipeline.phases)
        raise ConfigError(f"--phase {phase}: {loaded.path} has the phases {known}")
    if len(percents) < 2 or not all(1 <= size <= 100 for size in percents):
        raise ConfigError("--percent must be given at least twice, each from 1 to 100")
    return run_spec(
        curve_spec(loaded, phase, sorted(percents)),
        out=out,
        cwd=loaded.folder,
        name=f"{loaded.pipeline.name}-{phase}-curve",
        listener=view,
        parameters={"store": os.path.relpath(out.resolve() / "store", loaded.folder)},
        workers=workers,
        config=str(loaded.path),
    )


def read_curve(run: Path, percents: Sequence[int]) -> list[Point]:
    """What a finished curve run left, the smallest share first."""
    record = read_record(run)
    points_ = []
    for size in sorted(percents):
        evaluated = find_task(record, f"{branch_name(size)}/evaluate")
        part = find_task(record, f"{branch_name(size)}/subsample").artifacts["kept"]
        points_.append(
            Point(
                percent=size,
                documents=int(part.metadata["documents"]),
                blocks=read_scores(output_of(record, evaluated, "scores")),
                predictions=list(read_predictions(output_of(record, evaluated, "predictions"))),
            )
        )
    return points_


def advise(curve: Sequence[Point]) -> list[Advice]:
    """Say for all labels together, and for each, whether more annotations would help."""
    return [
        advice(curve, task, label, name)
        for task in curve[-1].blocks
        for label, name in labels_of(curve[-1], task)
    ]


def labels_of(point: Point, task: str) -> list[tuple[str, str]]:
    """The labels of a task, "overall" first, each with the name of its row."""
    several = len(point.blocks) > 1
    labels = ["overall", *point.blocks[task]["labels"]]
    return [(label, f"{task}: {label}" if several else label) for label in labels]


def advice(curve: Sequence[Point], task: str, label: str, name: str) -> Advice:
    """What the last fraction brought for one label of a task, or "overall".

    What it brought beyond the best smaller share is taken as a forecast of what as many documents
    more would bring; a paired bootstrap tells it from noise.

    Args:
        name: of its row.
    """
    after = curve[-1].rows[name]
    before = max(curve[:-1], key=lambda point: f_of(point, name) or 0.0)
    change = contrast(curve[-1], before, task, label)
    gain, interval = change["difference"], change["interval"]
    if after["support"] < FEW or gain is None or interval is None:
        text = f"Unknown: the test set has {after['support']} of them."
        return Advice(name, gain, interval, "unknown", text)
    gained = (
        f"{points(gain)} points since {before.percent} % of the documents ({points_span(interval)})"
    )
    if not after["f"] or interval[1] < 0:
        text = f"Unknown, the training was too short or too unsteady: {gained}."
        return Advice(name, gain, interval, "unknown", text)
    if after["f"] > 1 - WORTH or gain < WORTH:
        return Advice(
            name, gain, interval, "hardly", f"More of the same will hardly help: {gained}."
        )
    if interval[0] > 0:
        text = f"More annotations will very likely help: {gained}."
        return Advice(name, gain, interval, "yes", text)
    text = f"More annotations may help: {gained}, which could be noise."
    return Advice(name, gain, interval, "perhaps", text)


def contrast(after: Point, before: Point, task: str, label: str) -> dict[str, Any]:
    """The paired comparison of two points for a label of a task, or "overall"."""
    labels = list(after.blocks[task]["labels"])
    settings = settings_of(after.blocks[task])
    comparison = compare(
        count([one for one in after.predictions if one.task == task], labels, settings.group_by),
        count([one for one in before.predictions if one.task == task], labels, settings.group_by),
        labels,
        resamples=settings.resamples,
        seed=settings.seed,
    )
    rows = comparison["per_label"] | {"overall": comparison["overall"]}
    row: dict[str, Any] = rows[label]
    return row


def f_of(point: Point, name: str) -> float | None:
    """F of a row at a point; None where it has none."""
    row: dict[str, float | None] = point.rows.get(name, {})
    return row.get("f")


def write_page(run: Path, phase: str, curve: Sequence[Point], advice: Sequence[Advice]) -> Path:
    """Write the curve as a page into the run's folder; return its path."""
    html = page.render(
        PAGE,
        title=f"Would more annotations help {phase}?",
        kicker=f"Learning curve, run {run.name}",
        curve=curve,
        advice=advice,
        charts=curve_charts(curve),
    )
    target = run / "curve.html"
    with writing(target) as path:
        path.write_text(html, encoding="utf-8")
    return target


def curve_charts(curve: Sequence[Point]) -> list[Markup]:
    """Overall F with its interval, and F by label, over the documents trained on, of each task."""
    drawn = []
    for task in curve[-1].blocks:
        (_, overall), *labels = labels_of(curve[-1], task)
        description = f"Overall F went from {percent(f_of(curve[0], overall))}"
        description += f" to {percent(f_of(curve[-1], overall))}."
        bands = [
            (one.documents, 100 * interval[0], 100 * interval[1])
            for one in curve
            if (interval := one.rows[overall]["interval"]["f"])
        ]
        title = "Overall F" if overall == "overall" else f"Overall F of {task}"
        drawn += [
            charts.lines(
                title,
                description,
                {overall: line(curve, overall)},
                x_axis="training documents",
                y_axis="F (%)",
                bands={overall: bands},
            ),
            charts.lines(
                "F by label",
                "The table above has the same numbers.",
                {name: line(curve, name) for _, name in labels},
                x_axis="training documents",
                y_axis="F (%)",
            ),
        ]
    return drawn


def line(curve: Sequence[Point], label: str) -> list[tuple[float, float]]:
    """F in percent over the documents trained on, of a row."""
    scores = [(point.documents, f_of(point, label)) for point in curve]
    return [(documents, 100 * f) for documents, f in scores if f is not None]
