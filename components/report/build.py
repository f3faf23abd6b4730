"""Puts a report together: everything that the template prints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.html import page
from components.html.format import UNDEFINED
from components.records.prediction import Prediction
from components.records.record import Span
from components.registry.model_metadata import Change
from components.report.disagreements import KINDS, disagreements, likeliest_mistakes, worst_first
from components.report.figures import confusion_chart, label_chart, training_charts
from components.report.weakness import weak_spots

ROOM = Path(__file__).parent
MOST_DISPUTES = 300
TINTS = 8
NOT_COMPARED = {"difference": None, "interval": None, "better": None}


@dataclass(frozen=True)
class Material:
    """What a report is made from.

    Attributes:
        title: of the page; `kicker` stands above it.
        name: of the model in the charts; `other` that of the model it is compared with.
        scores: what `evaluate` wrote.
        headline: the first sentence; `reasons` follow it; `mood` is "good", "bad" or "warn".
        rules: of the gate.
        predictions: what `evaluate` wrote.
        history: of the training, one mapping per evaluation.
        data: what `ingest` wrote, `split` what `split` wrote and `corpus` what `convert` wrote on
            the training documents; all None to leave them out.
        changes: since the model in production; None when there is nothing to compare with.
        review: name of the file that holds the likeliest mistakes.
    """

    title: str
    kicker: str
    name: str
    other: str
    scores: Mapping[str, Any]
    headline: str
    mood: str
    predictions: Iterable[Prediction]
    reasons: Sequence[str] = ()
    rules: Sequence[Mapping[str, Any]] = ()
    history: Sequence[Mapping[str, Any]] = ()
    data: Mapping[str, Any] | None = None
    split: Mapping[str, Any] | None = None
    corpus: Mapping[str, Any] | None = None
    changes: Sequence[Change] | None = None
    review: str = ""


def read_history(path: Path) -> list[dict[str, Any]]:
    """The evaluations of the training; empty if it left no history."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def html(material: Material) -> str:
    """Return the whole page."""
    scores = material.scores
    found = worst_first(material.predictions)
    comparison = (scores["champion"] or {}).get("comparison")
    labels = [label for label in scores["confusion"]["labels"] if label != "(none)"]
    kinds = Counter(one.kind for _, one in found)
    return page.render(
        ROOM / "report.html",
        title=material.title,
        kicker=material.kicker,
        style=(ROOM / "report.css").read_text(encoding="utf-8"),
        script=(ROOM / "filter.js").read_text(encoding="utf-8") if found else "",
        contents=contents(material),
        undefined=UNDEFINED,
        mood=material.mood,
        headline=material.headline,
        reasons=material.reasons,
        rules=material.rules,
        scores=scores,
        name=material.name,
        other=material.other,
        comparison=comparison,
        compared_labels=comparison["per_label"] if comparison else {},
        compared_overall=comparison["overall"] if comparison else NOT_COMPARED,
        not_compared=NOT_COMPARED,
        label_chart=label_chart(scores, material.name, material.other),
        spots=weak_spots(scores),
        slices={key: parts for key, parts in scores["slices"].items() if len(parts) > 1},
        less_strict=less_strict(scores),
        confusion_chart=confusion_chart(scores["confusion"]),
        training_charts=training_charts(material.history),
        data=material.data,
        split=material.split,
        corpus=material.corpus,
        lost=lost_in_tokens(material.corpus) if material.corpus else None,
        problems=material.data["problems"] if material.data else [],
        changes=material.changes,
        mistakes=disagreements(likeliest_mistakes(found)),
        review=material.review,
        disagreements=disagreements(found[:MOST_DISPUTES]),
        total=len(found),
        kinds=[(title, kinds[kind]) for kind, title in KINDS.items()],
        labels=labels,
        tone=tone,
        tint=lambda label: labels.index(label) % TINTS,
        kind_number=list(KINDS).index,
        label_number=lambda span: label_number(span, labels),
    )


def contents(material: Material) -> list[tuple[str, str]]:
    """Anchors and names of the sections that this report has."""
    return [
        ("scores", "Scores"),
        ("confusion", "Confusion"),
        *([("training", "Training")] if material.history else []),
        *([("data", "Data")] if material.data else []),
        *([("changes", "Changes")] if material.changes is not None else []),
        ("errors", "Errors"),
    ]


def lost_in_tokens(corpus: Mapping[str, Any]) -> dict[str, Any]:
    """How many entities there are to learn from, and how many the tokeniser cannot delimit."""
    total = sum(label["entities"] for label in corpus["labels"].values())
    lost = corpus["misaligned"]
    return {"total": total, "count": lost, "share": lost / total if total else None}


def less_strict(scores: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Rows of the table of less strict scores, the strict one first."""
    matches = scores["matches"]
    return [
        ("label and both ends", scores["overall"]),
        ("the same, without entities lost to tokenisation", scores["tokenisation"]["without"]),
        ("both ends, any label", matches["exact"]),
        ("an overlap, any label; one half if the ends differ", matches["partial"]),
        ("label and an overlap", matches["type"]),
    ]


def tone(compared: Mapping[str, Any]) -> str:
    """CSS class of a change: coloured only where it is larger than noise."""
    interval = compared.get("interval")
    if not interval or interval[0] <= 0 <= interval[1]:
        return ""
    return "good" if interval[0] > 0 else "bad"


def label_number(span: Span | None, labels: Sequence[str]) -> str:
    """The place of a span's label in the filter; "" for none."""
    return "" if span is None else str(labels.index(span.label))
