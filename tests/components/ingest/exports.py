"""Records as the tools export them, and what a run of ingest leaves behind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.records.record import Record

LABELS = ["ORG", "PERSON"]
# Two documents for each label, so that only what a test adds can go wrong.
OUTPUTS = (
    *("quarantine", "snapshot", "examples", "data-report", "report", "summary"),
    "decision-summary",
)
ENOUGH = [
    ("HMRC wrote to Ada Lovelace", [(0, 4, "ORG"), (14, 26, "PERSON")]),
    ("Ask DVLA or Alan Turing", [(4, 8, "ORG"), (12, 23, "PERSON")]),
]


def row(text: str, *spans: tuple[Any, Any, Any], **more: Any) -> dict[str, Any]:
    """A record as Prodigy exports it; `more` replaces its keys, and None takes one away."""
    tokens = [
        {"text": match[0], "start": match.start(), "end": match.end(), "id": number}
        for number, match in enumerate(re.finditer(r"\w+|[^\w ]", text))
    ]
    record = {
        "text": text,
        "tokens": tokens,
        "spans": [{"start": a, "end": b, "label": label} for a, b, label in spans],
        "answer": "accept",
        "_view_id": "ner_manual",
        **more,
    }
    return {key: value for key, value in record.items() if value is not None}


@dataclass(frozen=True)
class Ingested:
    """What one run of the stage left behind."""

    code: int
    records: list[Record]
    quarantine: list[dict[str, Any]]
    report: dict[str, Any]
    page: str
    summary: str
    folder: Path

    def problem(self, kind: str) -> dict[str, Any]:
        """The entry of the report for a class of problem."""
        return next(p for p in self.report["problems"] if p["class"] == kind)

    def kinds(self) -> set[str]:
        return {p["class"] for p in self.report["problems"]}
