"""MODEL_CARD.md: what a model is for, what it was made from, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.html.format import count, percent, span
from components.html.markdown import escape
from components.report.weakness import against_floor, little_known, weak_spots
from components.tasks.base import Task


@dataclass(frozen=True)
class Origin:
    """Where and when a model was made; "" for what is not known."""

    written: str
    commit: str
    image: str


def model_card(
    blocks: Mapping[str, Mapping[str, Any]],
    tasks: Mapping[str, Task],
    gate_decision: Mapping[str, Any],
    facts: Mapping[str, Any],
    origin: Origin,
    teaching: Mapping[str, Any] | None = None,
) -> str:
    """Return the card as Markdown.

    Args:
        blocks: what `evaluate` wrote, by task; `gate_decision`: what `gate` wrote.
        tasks: by name.
        facts: see `components.registry.model_metadata.facts_of`.
        teaching: what `label` wrote; None without a teacher.
    """
    sections = [
        header(facts, gate_decision),
        intended_use(tasks),
        data(facts, teaching),
        evaluation(blocks, tasks),
        weaknesses(blocks),
        training(facts, origin),
    ]
    return "\n".join(line for section in sections for line in (*section, ""))


def header(facts: Mapping[str, Any], gate_decision: Mapping[str, Any]) -> Iterator[str]:
    config = facts["config"]
    yield f"# Model card: {code(config.get('model.name', config.get('phase', 'model')))}"
    yield ""
    yield escape(gate_decision["headline"])


def intended_use(tasks: Mapping[str, Task]) -> Iterator[str]:
    yield "## Intended use"
    yield ""
    does = "; ".join(
        f"{task.title} ({', '.join(code(label) for label in task.labels)})"
        for task in tasks.values()
    )
    yield (
        f"A spaCy pipeline for {does}, in texts like those that it was trained on. On other kinds "
        "of text expect lower scores than those below. It makes mistakes: where a mistake can harm "
        "a person, have people check what it says."
    )


def data(facts: Mapping[str, Any], teaching: Mapping[str, Any] | None) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield f"- documents: {count(facts['records'])}"
    yield f"- of these for test: {count(facts['test_documents'])}"
    yield f"- digest: {code(facts['digest'])}"
    if teaching:
        yield (
            f"- texts in training that no annotator, but the model {code(teaching['teacher'])} "
            f"answered: {count(teaching['learnt'])}"
        )
    for name, task in facts["tasks"].items():
        yield ""
        yield f"| label of {code(name)} | {task['unit']} annotated |"
        yield "|---|--:|"
        for label, number in task["labels"].items():
            yield f"| {code(label)} | {count(number)} |"


def evaluation(blocks: Mapping[str, Mapping[str, Any]], tasks: Mapping[str, Task]) -> Iterator[str]:
    yield "## Scores on the test documents"
    for name, block in blocks.items():
        yield ""
        yield f"In percent, for {tasks[name].exact}, with the 95 % interval of F."
        yield ""
        yield f"| label of {code(name)} | precision | recall | F | interval | support |"
        yield "|---|--:|--:|--:|--:|--:|"
        for label, values in block["labels"].items():
            yield row(code(label), values)
        yield row("overall", block["overall"])
        yield from more_of(block)


def more_of(block: Mapping[str, Any]) -> Iterator[str]:
    """What the scores of some kinds have besides: means, the whole way, probabilities, a floor."""
    if "macro" not in block:
        return
    macro = block["macro"]
    interval = f" ({span(block['macro_interval'])})" if "macro_interval" in block else ""
    yield ""
    yield f"- mean F over {macro['labels']} labels (macro): {percent(macro['f'])}{interval}"
    if whole := block.get("end_to_end"):
        yield (
            "- end to end, of entities that the model finds itself: F "
            f"{percent(whole['overall']['f'])} ({span(whole['overall']['interval']['f'])})"
        )
    if "calibration" in block:
        yield from of_classes(block)
    if sentence := against_floor(block):
        yield f"- {sentence}"


def of_classes(block: Mapping[str, Any]) -> Iterator[str]:
    """What the scores of a task that classifies texts have besides."""
    calibration = block["calibration"]
    fitted = (
        f"; calibrated on {count(calibration['fitted_on'])} dev documents"
        if "fitted_on" in calibration
        else f"; not calibrated: {escape(calibration['not_calibrated'])}"
        if "not_calibrated" in calibration
        else ""
    )
    intervals = block.get("intervals", {})
    within = {
        name: f" ({span(intervals[name])})" if name in intervals else ""
        for name in ("exact", "ece", "coverage_at_95")
    }
    yield f"- all labels of a document right: {percent(block['exact'])} %{within['exact']}"
    yield f"- calibration error: {percent(calibration['ece'])} points{within['ece']}{fitted}"
    yield (
        f"- the surest {percent(calibration['coverage_at_95'])} %{within['coverage_at_95']} of its "
        "answers are right in 95 % of the cases or more"
    )
    if block.get("thresholds"):
        each = ", ".join(f"{code(one)} {percent(at)}" for one, at in block["thresholds"].items())
        yield f"- thresholds, in percent, below which a label is not said: {each}"


def row(name: str, values: Mapping[str, Any]) -> str:
    """One line of the score table."""
    numbers = [percent(values[key]) for key in "prf"]
    cells = [name, *numbers, span(values["interval"]["f"]), count(values["support"])]
    return f"| {' | '.join(cells)} |"


def weaknesses(blocks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "## Known weak spots"
    yield ""
    spots = [
        spot for block in blocks.values() for spot in (*weak_spots(block), *little_known(block))
    ]
    yield from (f"- {escape(spot)}" for spot in spots)
    if not spots:
        yield "None showed in this evaluation. That is not proof that there are none."


def training(facts: Mapping[str, Any], origin: Origin) -> Iterator[str]:
    yield "## How it was made"
    yield ""
    yield f"- written: {origin.written}"
    yield f"- git commit: {code(origin.commit or 'not known')}"
    yield f"- image: {code(origin.image or 'none, it was trained outside a container')}"
    yield ""
    yield "The model folder's `config.cfg` is the complete training config. The pipeline's config:"
    yield ""
    yield "| key | value |"
    yield "|---|---|"
    for key, value in sorted(facts["config"].items()):
        yield f"| {code(key)} | {code(value)} |"


def code(value: Any) -> str:
    """A value as inline code that no content can break out of."""
    text = " ".join(str(value).split()).replace("`", "'").replace("|", "\\|")
    return f"`{text}`" if text else ""
