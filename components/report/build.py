"""Puts a report together: everything that the template prints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from components.html import page
from components.html.format import UNDEFINED
from components.records.prediction import Prediction
from components.records.record import Item, label_of
from components.registry.model_metadata import Change
from components.report.disagreements import (
    KINDS,
    by_confidence,
    disagreements,
    suspected_label_errors,
)
from components.report.figures import (
    confusion_chart,
    label_chart,
    reliability_chart,
    together_chart,
    training_charts,
)
from components.report.weakness import against_floor, little_known, weak_spots

FOLDER = Path(__file__).parent
MOST_SHOWN = 300
TINTS = 8


@dataclass(frozen=True)
class Material:
    """What a report is made from.

    Attributes:
        title: of the page; `kicker` stands above it.
        name: of the model in the charts; `other` that of the model it is compared with.
        blocks: what `evaluate` wrote, by task.
        headline: the first sentence; `reasons` follow it; `mood` is "good", "bad" or "warn".
        rules: of the gate; `report_only` if it holds nothing, whatever they say.
        predictions: what `evaluate` wrote.
        history: of the training, one mapping per evaluation.
        data: what `ingest` wrote, `split` what `split` wrote and `corpus` what `convert` wrote on
            the training documents; all None to leave them out.
        changes: since the model in production; None when there is nothing to compare with.
        review: name of the file that holds the likeliest mistakes.
        teaching: what `label` wrote, with `audit`; None without a teacher.
    """

    title: str
    kicker: str
    name: str
    other: str
    blocks: Mapping[str, Mapping[str, Any]]
    headline: str
    mood: str
    predictions: Iterable[Prediction]
    reasons: Sequence[str] = ()
    rules: Sequence[Mapping[str, Any]] = ()
    report_only: bool = False
    history: Sequence[Mapping[str, Any]] = ()
    data: Mapping[str, Any] | None = None
    split: Mapping[str, Any] | None = None
    corpus: Mapping[str, Any] | None = None
    changes: Sequence[Change] | None = None
    review: str = ""
    teaching: Mapping[str, Any] | None = None


def read_history(path: Path) -> list[dict[str, Any]]:
    """The evaluations of the training; empty if it left no history."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class TaskPart:
    """What the page says of one task.

    Attributes:
        name: of the task where there are several, else ""; `id` follows it in anchors.
        scores: its block; `comparison` that with the other model, None if there is none.
        slices: those of several values.
        less_strict: rows of the table of less strict scores, empty for a kind that has none.
        confusion_chart: None where there is nothing to draw, or too much; together_chart: which
            labels were said of the documents of each, where they may have several.
        reliability_chart: how sure the model was against how often it was right; None for a kind
            that does not say.
    """

    name: str
    id: str
    scores: Mapping[str, Any]
    comparison: Mapping[str, Any] | None
    label_chart: Markup
    spots: list[str]
    little_known: list[str]
    slices: dict[str, Any]
    less_strict: list[tuple[str, Mapping[str, Any]]]
    confusion_chart: Markup | None
    together_chart: Markup | None
    reliability_chart: Markup | None

    @property
    def against_floor(self) -> str:
        return against_floor(self.scores)


def task_parts(material: Material) -> list[TaskPart]:
    """What the page says of each task."""
    several = len(material.blocks) > 1
    return [
        TaskPart(
            name=name if several else "",
            id=anchor(number),
            scores=block,
            comparison=(block["champion"] or {}).get("comparison"),
            label_chart=label_chart(block, material.name, material.other),
            spots=weak_spots(block),
            little_known=little_known(block),
            slices={key: parts for key, parts in block["slices"].items() if len(parts) > 1},
            less_strict=less_strict(block),
            confusion_chart=confusion_chart(block["confusion"]) if "confusion" in block else None,
            together_chart=together_chart(block["cooccurrence"])
            if "cooccurrence" in block
            else None,
            reliability_chart=reliability_chart(block["calibration"]["diagram"])
            if "calibration" in block
            else None,
        )
        for number, (name, block) in enumerate(material.blocks.items())
    ]


def html(material: Material) -> str:
    """Return the whole page."""
    ranked = by_confidence(material.predictions)
    blocks = material.blocks.values()
    labels = list(dict.fromkeys(label for block in blocks for label in block["labels"]))
    kinds = Counter(one.kind for _, one in ranked)
    return page.render(
        FOLDER / "report.html",
        title=material.title,
        kicker=material.kicker,
        style=(FOLDER / "report.css").read_text(encoding="utf-8"),
        script=(FOLDER / "filter.js").read_text(encoding="utf-8") if ranked else "",
        contents=contents(material),
        undefined=UNDEFINED,
        mood=material.mood,
        headline=material.headline,
        reasons=material.reasons,
        rules=material.rules,
        report_only=material.report_only,
        parts=task_parts(material),
        name=material.name,
        other=material.other,
        training_charts=training_charts(material.history),
        data=material.data,
        split=material.split,
        corpus=material.corpus,
        unalignable=unalignable_of(material.corpus) if material.corpus else {},
        problems=material.data["problems"] if material.data else [],
        changes=material.changes,
        mistakes=disagreements(suspected_label_errors(ranked)),
        review=material.review,
        teaching=material.teaching,
        disagreements=disagreements(ranked[:MOST_SHOWN]),
        total=len(ranked),
        kinds=[(title, kinds[kind]) for kind, title in KINDS.items()],
        labels=labels,
        tint=lambda label: labels.index(label) % TINTS,
        kind_number=list(KINDS).index,
        label_number=lambda item: label_number(item, labels),
    )


def anchor(number: int) -> str:
    """What follows the anchors of a task."""
    return f"-{number}" if number else ""


def contents(material: Material) -> list[tuple[str, str]]:
    """Anchors and names of the sections that this report has."""
    several = len(material.blocks) > 1
    named = {
        "calibration": ("sure", "Probabilities"),
        "confusion": ("confusion", "Confusion"),
        "cooccurrence": ("together", "Labels together"),
    }
    only = {} if several else next(iter(material.blocks.values()))
    return [
        *(
            (f"scores{anchor(number)}", f"Scores of {name}" if several else "Scores")
            for number, name in enumerate(material.blocks)
        ),
        *(place for key, place in named.items() if key in only),
        *([("teacher", "Teacher")] if material.teaching else []),
        *([("training", "Training")] if material.history else []),
        *([("data", "Data")] if material.data else []),
        *([("changes", "Changes")] if material.changes is not None else []),
        ("errors", "Errors"),
    ]


def unalignable_of(corpus: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How much there is to learn from, and how much the tokeniser cannot delimit, by task."""
    unalignable = {}
    for name, task in corpus["tasks"].items():
        total = sum(label["count"] for label in task["labels"].values())
        count = task["misaligned"]
        proportion = count / total if total else None
        unalignable[name] = {"total": total, "count": count, "fraction": proportion}
    return unalignable


def less_strict(scores: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Rows of the table of less strict scores, the strict one first; none for some kinds."""
    if "matches" not in scores:
        return []
    matches = scores["matches"]
    return [
        ("label and both ends", scores["overall"]),
        ("the same, without unalignable entities", scores["tokenisation"]["without"]),
        ("both ends, any label", matches["exact"]),
        ("an overlap, any label; one half if the ends differ", matches["partial"]),
        ("label and an overlap", matches["type"]),
    ]


def label_number(item: Item | None, labels: Sequence[str]) -> str:
    """The place of an item's label in the filter; "" for none."""
    return "" if item is None else str(labels.index(label_of(item)))
