"""Records that are annotated for one task, entities, as most tests need them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from components.records.record import Answers, Record, Span


def ner_record(
    id: str,
    text: str,
    spans: Sequence[Span] = (),
    tokens: list[tuple[int, int]] | None = None,
    meta: dict[str, Any] | None = None,
    *,
    source: str = "",
    split: str = "",
    complete: bool = True,
    rejected: Sequence[Span] = (),
) -> Record:
    """A record with entities."""
    answers = Answers(spans=[*spans], complete=complete, rejected=[*rejected])
    return Record(id, text, {"ner": answers}, tokens, meta or {}, source, split)


def ner_tasks(labels: Sequence[str]) -> str:
    """`--tasks` of a phase with entities alone."""
    return json.dumps([{"name": "ner", "kind": "ner", "labels": [*labels]}])


def said(record: Record) -> Answers:
    """What annotators said of entities."""
    return record.answers["ner"]
