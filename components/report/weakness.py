"""What a model is not good at, said in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.html.format import count, percent, points, points_span, span

FEW = 30  # examples; with fewer, a label's F may be off by ten points or more
WORST = 3  # so many labels and confusions are named
GOOD = 0.95  # a label at least so good is not called bad, though it may be the worst
NONE = "(none)"
NEARLY_ALL = 0.99
MANY_UNALIGNABLE = 0.01


def weak_spots(scores: Mapping[str, Any]) -> list[str]:
    """Sentences about labels, slices and tokenisation that a user of the model should know.

    Args:
        scores: a task's block of scores.json.
    """
    return [
        *weak_floor(scores),
        *weak_labels(scores),
        *confused(scores),
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
    if min(floor["overall"]["f"], scores["overall"]["f"]) > NEARLY_ALL:
        return (
            "Both get nearly everything right: this test set is too easy to say whether the model "
            "is worth its cost."
        )
    return (
        f"The model does not clearly beat the floor: {by}. As far as this test set can tell it is "
        "not worth its cost. More test documents may show a difference; more annotations, a longer "
        "training or a larger base may make one."
    )


def weak_floor(scores: Mapping[str, Any]) -> Iterator[str]:
    """Say it where the floor is as good."""
    floor = scores.get("floor")
    interval = floor["gain"]["interval"] if floor else None
    if floor and not (interval and interval[0] > 0):
        worse = interval and interval[1] < 0
        yield (
            f"It is {'worse' if worse else 'not clearly better'} than the floor, which costs next "
            "to nothing: see below whether it is worth its cost."
        )


def weak_labels(scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield the labels that are worst by F and by recall, as far as the test set can tell."""
    for measure, name in (("f", "F"), ("r", "recall")):
        known = {
            label: row[measure]
            for label, row in scores["labels"].items()
            if row[measure] is not None and row[measure] < GOOD and can_tell(row)
        }
        worst = sorted(known, key=lambda label: known[label])[:WORST]
        if worst:
            yield f"Lowest {name}: {', '.join(f'{one} {percent(known[one])}' for one in worst)}."


def can_tell(row: Mapping[str, Any]) -> bool:
    """Whether a label's scores say something: it has many examples, or is bad all the same."""
    interval = row["interval"]["f"]
    return row["support"] >= FEW or (interval is not None and interval[1] < GOOD)


def confused(scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is mistaken most often, in words."""
    table = scores.get("confusion")
    if not table:
        return
    names = table["labels"]
    pairs = [
        (number, names[row], names[column])
        for row, counts in enumerate(table["rows"])
        for column, number in enumerate(counts)
        if row != column and number
    ]
    for number, true, said in sorted(pairs, key=lambda pair: -pair[0])[:WORST]:
        yield in_words(number, true, said)


def in_words(number: int, true: str, said: str) -> str:
    """One kind of mistake."""
    times = "once" if number == 1 else "twice" if number == 2 else f"{count(number)} times"
    if said == NONE:
        return f"{true} was missed {times}."
    if true == NONE:
        return f"{said} was said {times} where there is none."
    return f"{true} was taken for {said} {times}."


def little_known(scores: Mapping[str, Any]) -> list[str]:
    """Sentences about the labels of which the test set has too few examples to say much.

    Args:
        scores: a task's block of scores.json.
    """
    said = []
    for label, row in scores["labels"].items():
        if row["f"] is None:
            said.append(f"{label} does not occur in the test set: nothing is known about it.")
        elif not can_tell(row):
            said.append(
                f"{label} was tested on {count(row['support'])} {scores['unit']} only: F "
                f"{percent(row['f'])}, and it may be anywhere from {span(row['interval']['f'])}."
            )
    return said


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
