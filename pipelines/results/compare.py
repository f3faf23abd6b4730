"""Two runs side by side: the new one's report, with the old one's model as the champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import ConfigError
from components.evaluate.settings import EvaluateSettings, settings_of
from components.files import read_json
from components.html.format import Standing, points, points_span, standing
from components.records.prediction import Prediction, read_predictions
from components.registry.model_metadata import changes
from components.report import build
from components.scoring.compare import compare
from components.scoring.counts import count
from components.scoring.document import Blocks, read_scores
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings
from components.tasks.scores import block_of
from pipelines.local.runs import find_task, output_of, read_record


@dataclass(frozen=True)
class Side:
    """A phase of a run: its id, and what `evaluate`, `train` and `report` wrote.

    Attributes:
        blocks, predictions: by task.
    """

    run: str
    blocks: Blocks
    predictions: dict[str, list[Prediction]]
    facts: dict[str, Any]
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """A new model against an old one on the documents that both were tested on, for one task.

    Attributes:
        name: of the phase, and of the task where there are several.
        task: its name.
        scores: those of the new model, with the old one as its champion.
        shared: documents compared; `left_out`: test documents of the new one that are not.
    """

    name: str
    task: str
    old: Side
    new: Side
    scores: dict[str, Any]
    predictions: list[Prediction]
    shared: int
    left_out: int

    @property
    def contrast(self) -> dict[str, Any]:
        """The paired comparison, as `components.scoring.compare.compare` returns it."""
        comparison: dict[str, Any] = self.scores["champion"]["comparison"]
        return comparison

    @property
    def outcome(self) -> Standing:
        """How the new model stands against the old one."""
        return standing(self.contrast["overall"])

    @property
    def basis(self) -> str:
        """What it was compared on."""
        more = f"; {self.left_out:,} more of {self.new.run} are left out" if self.left_out else ""
        return (
            f"Compared on the {self.shared:,} test documents that both runs have, annotated alike"
            f"{more}."
        )

    @property
    def headline(self) -> str:
        """The outcome in a sentence."""
        overall = self.contrast["overall"]
        return (
            f"{self.new.run} against {self.old.run}: {self.outcome}, "
            f"{points(overall['difference'])} points of F "
            f"(95 % interval {points_span(overall['interval'])})."
        )


def common_phases(old: Path, new: Path) -> list[str]:
    """The phases that both runs have scored.

    Raises:
        ConfigError: there is none.
    """
    scored = [
        [task.branch for task in read_record(run).tasks.values() if is_scored(task)]
        for run in (new, old)
    ]
    phases = [phase for phase in scored[0] if phase in scored[1]]
    if not phases:
        raise ConfigError(
            f"{old.name} and {new.name} have no phase that both have scored: "
            f"{', '.join(scored[1]) or 'none'} there, {', '.join(scored[0]) or 'none'} here."
        )
    return phases


def is_scored(task: Any) -> bool:
    """Whether a task is an evaluation that has ended well."""
    return task.stage == "evaluate" and task.state in ("succeeded", "reused")


def compare_phase(old: Path, new: Path, phase: str) -> list[Comparison]:
    """Compare a phase of a new run with that of an old one, on the test documents they share.

    A document counts as shared if text and annotations are the same in both.

    Raises:
        ConfigError: they share no document, or no task.
    """
    one, other = side(new, phase), side(old, phase)
    tasks = [task for task in one.blocks if task in other.blocks]
    if not tasks:
        raise ConfigError(
            f"{phase}: {one.run} has the tasks {', '.join(one.blocks)}, {other.run} "
            f"{', '.join(other.blocks)}; there is nothing to compare."
        )
    several = len(one.blocks) > 1
    return [
        compare_task(one, other, f"{phase}-{task}" if several else phase, task) for task in tasks
    ]


def compare_task(one: Side, other: Side, name: str, task: str) -> Comparison:
    """Compare one task of a new run with that of another, old one."""
    in_other = {key(prediction): prediction for prediction in other.predictions[task]}
    pairs = [
        (prediction, in_other[key(prediction)])
        for prediction in one.predictions[task]
        if key(prediction) in in_other and in_other[key(prediction)].gold == prediction.gold
    ]
    if not pairs:
        raise ConfigError(
            f"{name}: {one.run} and {other.run} were tested on different documents; "
            "there is nothing to compare."
        )
    by_first, by_second = [list(column) for column in zip(*pairs, strict=True)]
    # Both as the first run's phase says, whatever the second was scored with.
    settings = settings_of(one.blocks[task])
    scores = scored(by_first, task, one.blocks[task], settings)
    comparison = contrast(by_first, by_second, task, one.blocks[task], other.blocks[task], settings)
    champion = scored(by_second, task, other.blocks[task], settings)
    scores["champion"] = {**champion, "comparison": comparison}
    left_out = len(one.predictions[task]) - len(by_first)
    return Comparison(name, task, other, one, scores, by_first, len(by_first), left_out)


def key(prediction: Prediction) -> tuple[str, str]:
    """What makes a document, or a window of one, the same in two runs."""
    return prediction.id, prediction.text


def side(run: Path, phase: str) -> Side:
    """Read one side of a comparison.

    Raises:
        ConfigError: the run has not come that far.
        DataError: a file of the run was deleted.
    """
    record = read_record(run)
    evaluated = find_task(record, f"{phase}/evaluate")
    log = output_of(record, find_task(record, f"{phase}/train"), "log")
    # The report was a task of its own once.
    reporting = "report" if f"{phase}/report" in record.tasks else "upload"
    reported = find_task(record, f"{phase}/{reporting}")
    blocks = read_scores(output_of(record, evaluated, "scores"))
    predictions: dict[str, list[Prediction]] = {task: [] for task in blocks}
    for prediction in read_predictions(output_of(record, evaluated, "predictions")):
        predictions[prediction.task].append(prediction)
    return Side(
        run=record.id,
        blocks=blocks,
        predictions=predictions,
        facts=read_json(output_of(record, reported, "facts")),
        history=build.read_history(log / "history.jsonl"),
    )


def scored(
    predictions: Sequence[Prediction],
    name: str,
    block: dict[str, Any],
    settings: EvaluateSettings,
) -> dict[str, Any]:
    """Scores of a model on the shared documents."""
    scores = block_of(
        described(name, block),
        predictions,
        slice_keys=settings.slices,
        resamples=settings.resamples,
        seed=settings.seed,
        group_by=settings.group_by,
    )
    kept = ("words_per_second", "model_labels", "thresholds")
    scores |= {name: block[name] for name in kept if name in block}
    if "calibration" in scores:
        # What is not measured on the documents, but known of the model.
        scores["calibration"] = {**block["calibration"], **scores["calibration"]}
    return scores


def described(name: str, block: dict[str, Any]) -> Task:
    """The task that a block has the scores of."""
    said = {"name": name, "kind": block["task"], **block.get("described", {})}
    return task_of(TaskSettings.model_validate({**said, "labels": list(block["labels"])}))


def contrast(
    by_first: list[Prediction],
    by_second: list[Prediction],
    name: str,
    one: dict[str, Any],
    other: dict[str, Any],
    settings: EvaluateSettings,
) -> dict[str, Any]:
    """The paired comparison, over the labels that the first reports and the second knows."""
    labels = list(one["labels"])
    shared = [label for label in labels if label in other["model_labels"]]
    task = described(name, one)
    first, second = (
        [prediction for prediction in each if task.comparable(prediction, shared)]
        for each in (by_first, by_second)
    )
    return compare(
        count(first, labels, settings.group_by),
        count(second, labels, settings.group_by),
        shared,
        resamples=settings.resamples,
        seed=settings.seed,
    )


def comparison_page(comparison: Comparison) -> str:
    """The comparison as a page in the layout of a report."""
    return build.html(
        build.Material(
            title=f"{comparison.name}: {comparison.new.run} against {comparison.old.run}",
            kicker="Comparison of two runs, old and new",
            name=comparison.new.run,
            other=comparison.old.run,
            blocks={comparison.task: comparison.scores},
            headline=comparison.headline,
            mood={"better": "good", "worse": "bad"}.get(comparison.outcome, "warn"),
            reasons=[comparison.basis],
            predictions=comparison.predictions,
            history=comparison.new.history,
            changes=changes(comparison.new.facts, comparison.old.facts),
        )
    )
