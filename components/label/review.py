"""The texts that people are asked about, with what the teacher says filled in.

Nothing in a row says whether its text was drawn or is one of the doubtful, nor how sure the teacher
is: whoever knows looks otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from components.answers.asked import asked_of
from components.answers.formats import prodigy_rows
from components.answers.models import Question
from components.label.teacher import MODEL, Teacher
from components.records.record import Record
from components.records.texts import Text

BATCH = 32


def rows(teacher: Teacher, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """Rows of Prodigy, in the order of the records."""
    asked = asked_of(teacher.tasks)
    for start in range(0, len(records), BATCH):
        batch = records[start : start + BATCH]
        said = teacher.models.analyse([one.text for one in batch], Question((MODEL,)))
        for record, findings in zip(batch, said, strict=True):
            # A student has learnt it: it must not come into dev or test.
            about = {**record.meta, "model": teacher.called, "split": "train"}
            text = Text(record.source, record.text)
            tokens = teacher.models.tokens(record.text)
            yield from prodigy_rows(text, findings, tokens, asked, about)
