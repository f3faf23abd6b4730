"""Scores in the shapes that the KFP and Vertex AI consoles show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

OTHER = "(other)"
# ML Metadata refuses more; Vertex AI then drops the artifact without a word.
MOST_BYTES = 190_000
NOTHING: dict[str, Any] = {"labels": [], "rows": []}  # of a task without a confusion matrix


def metrics(scores: Mapping[str, Any]) -> dict[str, float | int]:
    """Flat names for dsl.Metrics: f1, p, r, support, f1_ORG, …; of several tasks f1_topic_tax.

    Undefined scores are left out: a NaN kills the step.
    """
    flat: dict[str, float | int] = {}
    blocks = scores["tasks"]
    for task, block in blocks.items():
        of_task = f"_{task}" if len(blocks) > 1 else ""
        for label, values in [("", block["overall"]), *block["labels"].items()]:
            suffix = of_task + (f"_{label}" if label else "")
            for name, key in (("f1", "f"), ("p", "p"), ("r", "r"), ("support", "support")):
                if values["f"] is not None and values[key] is not None:
                    flat[name + suffix] = values[key]
    return flat


def confusion_matrix(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of a dsl.ClassificationMetrics, cut to what ML Metadata carries: it holds one task.

    The rarest labels are folded into "(other)" until it fits; the counts stay complete.
    """
    blocks = scores["tasks"].values()
    confusion = next((one["confusion"] for one in blocks if "confusion" in one), NOTHING)
    labels, rows = list(confusion["labels"]), [list(row) for row in confusion["rows"]]
    kept = len(labels) - 1
    while len(json.dumps(shown := as_metadata(labels, rows))) > MOST_BYTES:
        kept = kept * 3 // 4
        labels, rows = fold(confusion["labels"], confusion["rows"], kept)
    return shown


def as_metadata(labels: list[str], rows: list[list[int]]) -> dict[str, Any]:
    """The shape in which KFP stores a confusion matrix."""
    return {
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": label} for label in labels],
            "rows": [{"row": row} for row in rows],
        }
    }


def fold(labels: list[str], rows: list[list[int]], kept: int) -> tuple[list[str], list[list[int]]]:
    """Keep the `kept` commonest labels and "(none)", the last one; add up the others."""
    size = len(labels) - 1
    common = sorted(range(size), key=lambda place: (-sum(rows[place]), place))[:kept]
    names = [labels[place] for place in sorted(common)] + [OTHER, labels[size]]
    target = {labels[place]: names.index(labels[place]) for place in common}
    target[labels[size]] = len(names) - 1
    folded = [[0] * len(names) for _ in names]
    for row, counts in zip(labels, rows, strict=True):
        for column, number in zip(labels, counts, strict=True):
            folded[target.get(row, kept)][target.get(column, kept)] += number
    return names, folded
