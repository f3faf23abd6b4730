"""Two runs side by side: the same report, with one run's model in the place of the champion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import ConfigError
from components.evaluate.scores import compare, score
from components.evaluate.settings import EvaluateSettings, settings_of
from components.files import read_json
from components.html.format import points, points_span
from components.records.prediction import Prediction, read_predictions
from components.registry.model_metadata import changes
from components.report import build
from components.scoring.counts import count
from pipelines.local.runs import find_task, read_record


@dataclass(frozen=True)
class Split:
    """A phase of a run: its id, and what `evaluate`, `train` and `report` wrote."""

    run: str
    scores: dict[str, Any]
    predictions: list[Prediction]
    facts: dict[str, Any]
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """Two models on the documents that both were tested on.

    Attributes:
        scores: those of the first model, with the second one as its champion.
        shared: documents compared; `left_out`: test documents of the first that are not.
    """

    phase: str
    first: Split
    second: Split
    scores: dict[str, Any]
    predictions: list[Prediction]
    shared: int
    left_out: int

    @property
    def contrast(self) -> dict[str, Any]:
        """The paired comparison, as `components.evaluate.scores.compare` returns it."""
        found: dict[str, Any] = self.scores["champion"]["comparison"]
        return found

    @property
    def outcome(self) -> str:
        """Say "better", "worse" or "no clear difference", of the first against the second."""
        interval = self.contrast["overall"]["interval"]
        if interval is None or interval[0] <= 0 <= interval[1]:
            return "no clear difference"
        return "better" if interval[0] > 0 else "worse"

    @property
    def headline(self) -> str:
        """The outcome in a sentence."""
        overall = self.contrast["overall"]
        return (
            f"{self.first.run} against {self.second.run}: {self.outcome}, "
            f"{points(overall['difference'])} points of F "
            f"(95 % interval {points_span(overall['interval'])})."
        )


def common_phases(first: Path, second: Path) -> list[str]:
    """The phases that both runs have scored.

    Raises:
        ConfigError: there is none.
    """
    scored = [
        [task.branch for task in read_record(run).tasks.values() if is_scored(task)]
        for run in (first, second)
    ]
    phases = [phase for phase in scored[0] if phase in scored[1]]
    if not phases:
        raise ConfigError(
            f"{first.name} and {second.name} have no phase that both have scored: "
            f"{', '.join(scored[0]) or 'none'} here, {', '.join(scored[1]) or 'none'} there."
        )
    return phases


def is_scored(task: Any) -> bool:
    """Whether a task is an evaluation that has ended well."""
    return task.stage == "evaluate" and task.state in ("succeeded", "reused")


def compare_phase(first: Path, second: Path, phase: str) -> Comparison:
    """Compare a phase of two runs on the test documents that they share.

    A document counts as shared if text and annotations are the same in both.

    Raises:
        ConfigError: they share no document.
    """
    one, other = split(first, phase), split(second, phase)
    in_other = {key(prediction): prediction for prediction in other.predictions}
    pairs = [
        (prediction, in_other[key(prediction)])
        for prediction in one.predictions
        if key(prediction) in in_other and in_other[key(prediction)].gold == prediction.gold
    ]
    if not pairs:
        raise ConfigError(
            f"{phase}: {one.run} and {other.run} were tested on different documents; "
            "there is nothing to compare."
        )
    mine, theirs = [list(column) for column in zip(*pairs, strict=True)]
    # Both as the first run's phase says, whatever the second was scored with.
    settings = settings_of(one.scores)
    scores = scored(mine, one, settings)
    comparison = contrast(mine, theirs, one, other, settings)
    scores["champion"] = {**scored(theirs, other, settings), "comparison": comparison}
    left_out = len(one.predictions) - len(mine)
    return Comparison(phase, one, other, scores, mine, len(mine), left_out)


def key(prediction: Prediction) -> tuple[str, str]:
    """What makes a document, or a window of one, the same in two runs."""
    return prediction.id, prediction.text


def split(run: Path, phase: str) -> Split:
    """Read one split of a comparison."""
    record = read_record(run)
    evaluated = find_task(record, f"{phase}/evaluate").artifacts
    log = find_task(record, f"{phase}/train").artifacts["log"]
    # The report was a task of its own once.
    task = "report" if f"{phase}/report" in record.tasks else "upload"
    reported = find_task(record, f"{phase}/{task}").artifacts
    return Split(
        run=record.id,
        scores=read_json(Path(evaluated["scores"].uri)),
        predictions=list(read_predictions(Path(evaluated["predictions"].uri))),
        facts=read_json(Path(reported["facts"].uri)),
        history=build.read_history(Path(log.uri) / "history.jsonl"),
    )


def scored(
    predictions: Iterable[Prediction], split: Split, settings: EvaluateSettings
) -> dict[str, Any]:
    """Scores of a model on the shared documents."""
    found = score(
        list(predictions),
        list(split.scores["labels"]),
        slice_keys=settings.slices,
        resamples=settings.resamples,
        seed=settings.seed,
    )
    kept = ("task", "words_per_second", "model_labels")
    return found | {name: split.scores[name] for name in kept}


def contrast(
    mine: list[Prediction],
    theirs: list[Prediction],
    one: Split,
    other: Split,
    settings: EvaluateSettings,
) -> dict[str, Any]:
    """The paired comparison, over the labels that the first reports and the second knows."""
    labels = list(one.scores["labels"])
    return compare(
        count(mine, labels),
        count(theirs, labels),
        [label for label in labels if label in other.scores["model_labels"]],
        resamples=settings.resamples,
        seed=settings.seed,
    )


def comparison_page(found: Comparison) -> str:
    """The comparison as a page in the layout of a report."""
    left_out = (
        f"Compared on the {found.shared} test documents that both runs have; {found.left_out} more "
        f"of {found.first.run} are left out."
    )
    return build.html(
        build.Material(
            title=f"{found.phase}: {found.first.run} against {found.second.run}",
            kicker="Comparison of two runs",
            name=found.first.run,
            other=found.second.run,
            scores=found.scores,
            headline=found.headline,
            mood={"better": "good", "worse": "bad"}.get(found.outcome, "warn"),
            reasons=[left_out] if found.left_out else [],
            predictions=found.predictions,
            history=found.first.history,
            changes=changes(found.first.facts, found.second.facts),
        )
    )
