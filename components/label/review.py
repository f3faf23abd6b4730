"""The texts that people are asked about, with what the teacher said filled in.

Nothing in a row says whether its text was drawn or is one of the doubtful, nor how sure the teacher
is: whoever knows looks otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from components.answers.asked import asked_of
from components.answers.findings import Classes, Entity, Findings, LabelledSpan, Status
from components.answers.formats import prodigy_rows
from components.label.teacher import MODEL, Teacher
from components.records.record import Record, Span
from components.records.texts import Text
from components.tasks.base import Task


def rows(teacher: Teacher, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """Rows of Prodigy, in the order of the records."""
    asked = asked_of(teacher.tasks)
    for record in records:
        # A student has learnt it: it must not come into dev or test.
        about = {**record.meta, "model": teacher.called, "split": "train"}
        text = Text(record.source, record.text)
        tokens = teacher.models.tokens(record.text)
        yield from prodigy_rows(text, findings(record, teacher.tasks), tokens, asked, about)


def findings(record: Record, tasks: Sequence[Task]) -> Findings:
    """A record's answers as models give them."""

    def place(span: Span) -> dict[str, Any]:
        text = record.text[span.start : span.end]
        return {"text": text, "start": span.start, "end": span.end, "phase": MODEL}

    answers = {task: record.answers[task.name] for task in tasks if task.name in record.answers}
    statuses: dict[tuple[int, int], dict[str, Status]] = {}
    entities, spans, classes = [], [], []
    for task, said in answers.items():
        if task.of:
            for span in said.spans:
                of_place = statuses.setdefault((span.start, span.end), {})
                of_place[task.name] = Status(label=span.label)
        elif task.place == "ents":
            entities += [Entity(label=span.label, **place(span)) for span in said.spans]
        elif task.place == "spans":
            spans += [
                LabelledSpan(label=span.label, task=task.name, **place(span)) for span in said.spans
            ]
        else:
            labels = [label for label, there in said.cats.items() if there]
            classes.append(Classes(phase=MODEL, task=task.name, labels=labels, scores={}))
    for one in entities:
        one.statuses = statuses.get((one.start, one.end))
    return Findings(entities=entities, spans=spans, classes=classes)
