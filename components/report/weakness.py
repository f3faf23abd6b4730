"""What a model is not good at, said in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.html.format import count, percent, span

FEW = 30  # examples; with fewer, a label's F may be off by ten points or more
LOW = 0.6
MANY_UNALIGNABLE = 0.01


def weak_spots(scores: Mapping[str, Any]) -> list[str]:
    """Sentences about labels, slices and tokenisation that a user of the model should know.

    Args:
        scores: a task's block of scores.json.
    """
    return [*weak_labels(scores), *weak_slices(scores), *weak_tokens(scores)]


def weak_labels(scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield the labels that are missed often, or of which little is known."""
    for label, values in scores["labels"].items():
        if values["f"] is None:
            yield f"{label} does not occur in the test set: nothing is known about it."
        elif values["f"] < LOW:
            yield (
                f"{label} is weak: F {percent(values['f'])} "
                f"({count(values['support'])} {scores['unit']} in the test set)."
            )
        elif values["support"] < FEW:
            yield (
                f"{label} was tested on {count(values['support'])} {scores['unit']} only: its F "
                f"may be anywhere from {span(values['interval']['f'])}."
            )


def weak_slices(scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the test set that are clearly below the whole."""
    overall = scores["overall"]["f"]
    for key, parts in scores["slices"].items():
        for value, values in parts.items():
            interval = values["interval"]["f"]
            if overall is not None and interval and interval[1] < overall:
                yield (
                    f"Documents with {key} {value!r} do worse: F {percent(values['f'])}, "
                    f"against {percent(overall)} overall."
                )


def weak_tokens(scores: Mapping[str, Any]) -> Iterator[str]:
    """Say it when token boundaries hide entities from the scores."""
    tokens = scores.get("tokenisation", {"share": None})
    if tokens["share"] and tokens["share"] > MANY_UNALIGNABLE:
        yield (
            f"{count(tokens['lost'])} marked {scores['unit']} ({percent(tokens['share'])} %) begin "
            "or end inside one of the model's words, so it cannot get them right. Without them F "
            f"would be {percent(tokens['without']['f'])}."
        )
