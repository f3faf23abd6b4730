"""MODEL_CARD.md: what a model is for, what it was made from, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.html.format import count, percent, span
from components.html.markdown import escape
from components.report.weakness import weak_spots

TASKS = {"ner": "named entity recognition"}


@dataclass(frozen=True)
class Origin:
    """Where and when a model was made; "" for what is not known."""

    written: str
    commit: str
    image: str


def model_card(
    scores: Mapping[str, Any],
    gate_decision: Mapping[str, Any],
    facts: Mapping[str, Any],
    origin: Origin,
) -> str:
    """Return the card as Markdown.

    Args:
        scores: what `evaluate` wrote; `verdict`: what `gate` wrote.
        facts: see `components.registry.model_metadata.facts_of`.
    """
    sections = [
        header(facts, gate_decision),
        intended_use(scores),
        data(facts),
        evaluation(scores),
        weaknesses(scores),
        training(facts, origin),
    ]
    return "\n".join(line for section in sections for line in (*section, ""))


def header(facts: Mapping[str, Any], gate_decision: Mapping[str, Any]) -> Iterator[str]:
    config = facts["config"]
    yield f"# Model card: {code(config.get('model.name', config.get('phase', 'model')))}"
    yield ""
    yield escape(gate_decision["headline"])


def intended_use(scores: Mapping[str, Any]) -> Iterator[str]:
    yield "## Intended use"
    yield ""
    yield (
        f"A spaCy pipeline for {TASKS[scores['task']]}. It finds "
        f"{', '.join(code(label) for label in scores['labels'])} in texts like those that it was "
        "trained on. On other kinds of text expect lower scores than those below. It makes "
        "mistakes: where a mistake can harm a person, have people check what it finds."
    )


def data(facts: Mapping[str, Any]) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield f"- documents: {count(facts['records'])}"
    yield f"- of these for test: {count(facts['test_documents'])}"
    yield f"- digest: {code(facts['digest'])}"
    yield ""
    yield "| label | entities annotated |"
    yield "|---|--:|"
    for label, entities in facts["entities"].items():
        yield f"| {code(label)} | {count(entities)} |"


def evaluation(scores: Mapping[str, Any]) -> Iterator[str]:
    yield "## Scores on the test documents"
    yield ""
    yield "In percent, for exact matches of label and both ends, with the 95 % interval of F."
    yield ""
    yield "| label | precision | recall | F | interval | support |"
    yield "|---|--:|--:|--:|--:|--:|"
    for label, values in scores["labels"].items():
        yield row(code(label), values)
    yield row("overall", scores["overall"])


def row(name: str, values: Mapping[str, Any]) -> str:
    """One line of the score table."""
    numbers = [percent(values[key]) for key in "prf"]
    cells = [name, *numbers, span(values["interval"]["f"]), count(values["support"])]
    return f"| {' | '.join(cells)} |"


def weaknesses(scores: Mapping[str, Any]) -> Iterator[str]:
    yield "## Known weak spots"
    yield ""
    spots = weak_spots(scores)
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
