"""What a model is not good at, said in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.html.format import count, percent, points, points_span, span

FEW = 30  # examples; with fewer, a label's F may be off by ten points or more
LOW = 0.6
MANY_UNALIGNABLE = 0.01


def weak_spots(scores: Mapping[str, Any]) -> list[str]:
    """Sentences about labels, slices and tokenisation that a user of the model should know.

    Args:
        scores: a task's block of scores.json.
    """
    return [
        *weak_floor(scores),
        *weak_labels(scores),
        *weak_slices(scores),
        *weak_tokens(scores),
    ]


def against_floor(scores: Mapping[str, Any]) -> str:
    """Whether the model beats one that costs next to nothing; "" where there is none."""
    floor = scores.get("floor")
    if not floor:
        return ""
    gain, interval = floor["gain"]["difference"], floor["gain"]["interval"]
    if gain is None or interval is None:
        return "The floor has no F to compare with."
    by = f"{points(gain)} points of overall F (95 % interval {points_span(interval)})"
    if interval[0] > 0:
        return f"The model beats the floor: {by}."
    if interval[1] < 0:
        return f"The model is below the floor: {by}. The floor is better, and costs nothing."
    return (
        f"The model does not clearly beat the floor: {by}. A model that does not is not worth its "
        "cost: try more annotations, a longer training or a larger base."
    )


def weak_floor(scores: Mapping[str, Any]) -> Iterator[str]:
    """Say it where the floor is as good."""
    floor = scores.get("floor")
    interval = floor["gain"]["interval"] if floor else None
    if floor and not (interval and interval[0] > 0):
        yield against_floor(scores)


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
    tokens = scores.get("tokenisation", {"fraction": None})
    if tokens["fraction"] and tokens["fraction"] > MANY_UNALIGNABLE:
        yield (
            f"{count(tokens['unalignable'])} marked {scores['unit']} "
            f"({percent(tokens['fraction'])} %) begin or end inside one of the model's words, so "
            "it cannot get them right. Without them F "
            f"would be {percent(tokens['without']['f'])}."
        )
