"""The decision as Markdown, for the console of KFP and Vertex AI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.html.format import percent, points, span
from components.html.markdown import escape

SIGNS = {"pass": "✓", "fail": "✗", "note": "·"}


def markdown(gate_decision: Mapping[str, Any], blocks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the headline, the score table of each task and every rule."""
    return "\n".join(
        [
            f"# {escape(gate_decision['headline'])}",
            "",
            *(line for name, block in blocks.items() for line in (*score_table(name, block), "")),
            *(
                f"- {SIGNS[rule['result']]} {escape(rule['text'])}"
                for rule in gate_decision["rules"]
            ),
            "",
        ]
    )


def score_table(task: str, scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the score table of a task."""
    yield f"| label of {escape(task)} | P | R | F | 95 % interval | change | support |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    comparison = (scores["champion"] or {}).get("comparison", {"per_label": {}})
    for label, values in scores["labels"].items():
        yield row(label, values, comparison["per_label"].get(label, {}))
    yield row("overall", scores["overall"], comparison.get("overall", {}))


def row(name: str, values: Mapping[str, Any], compared: Mapping[str, Any]) -> str:
    """One line of the score table."""
    cells = [
        escape(name),
        *(percent(values[key]) for key in "prf"),
        span(values["interval"]["f"]),
        points(compared.get("difference")),
        str(values["support"]),
    ]
    return f"| {' | '.join(cells)} |"
