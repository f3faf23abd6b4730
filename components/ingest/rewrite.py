"""Annotations of any format as Prodigy's JSON Lines, and an account of every record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from components.ingest.choice_rows import Question, choice_rows, questions_of
from components.ingest.readers.detect import read
from components.ingest.routing import common_group, of_group
from components.ingest.text import check_text
from components.records.annotation import Annotation, RawSpan, Refused, Skipped, values_of
from components.records.offsets import Spans
from components.records.problems import Note, Problems, QuarantineError
from components.records.scripts import without_spaces
from components.records.sources import Copy
from components.records.tokens import Boundaries, tokens_of


@dataclass
class Account:
    """What became of the records: read = written + skipped + refused.

    Attributes:
        rows: lines that were written: for the spans of a record, and for each question about it.
    """

    read: int = 0
    written: int = 0
    rows: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    problems: Problems = field(default_factory=Problems)
    first: dict[str, str] = field(default_factory=dict)

    def refuse(self, place: object, kind: str, detail: str) -> None:
        """Count a record that is not written."""
        self.refused[kind] += 1
        self.first.setdefault(kind, f"{place}: {detail}")


def rewritten(copies: list[Copy], account: Account) -> Iterator[str]:
    """A line for each annotation that can be trusted.

    Raises:
        StopReadingError: a file can't be read to its end.
    """
    for copy in copies:
        questions = questions_of(read(copy.path, copy.file.name, copy.file, Problems()))
        for item in read(copy.path, copy.file.name, copy.file, account.problems):
            account.read += 1
            if isinstance(item, Skipped):
                account.skipped[item.reason] += 1
            elif isinstance(item, Refused):
                account.refuse(item.place, item.kind, item.detail)
            elif not (item.about_spans or item.choices or common_group([*item.groups])):
                account.skipped["row of another task"] += 1
            else:
                for note in left_out(item):
                    account.problems.add(str(item.place), note)
                if not item.about_spans:
                    item = of_group(item, common_group([*item.groups]))
                yield from lines_of(item, questions, account)


def left_out(annotation: Annotation) -> Iterator[Note]:
    """What annotators said that Prodigy's rows have no place for."""
    if annotation.relations:
        yield Note("relations", count=annotation.relations)
    if annotation.others:
        listed = ", ".join(annotation.others)
        yield Note("other_answers", listed, count=sum(annotation.others.values()))


def lines_of(
    annotation: Annotation, questions: dict[str, Question], account: Account
) -> Iterator[str]:
    """The lines of one annotation; none where it can't be trusted."""
    try:
        rows = [prodigy_row(annotation, account)] if annotation.about_spans else []
        classes = [*choice_rows(annotation, questions)]
        if classes and not rows:
            check_text(annotation.text)
        rows += [beside(annotation) | row for row in classes]
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows]
    except QuarantineError as problem:
        account.refuse(annotation.place, problem.kind, problem.detail)
        return
    except ValueError as error:  # meta of a DocBin may hold NaN
        account.refuse(annotation.place, "nan_literal", str(error))
        return
    account.written += 1
    account.rows += len(lines)
    for row in rows:
        account.spans.update(str(span["label"]) for span in row.get("spans", ()))
        account.classes.update(row.get("accept", [row["label"]] if "label" in row else []))
    yield from lines


def beside(annotation: Annotation) -> dict[str, Any]:
    """What a row says beside spans and classes."""
    row: dict[str, Any] = {"text": annotation.text, "answer": annotation.answer}
    row |= {"meta": annotation.meta}
    row |= {"tags": [*annotation.tags]} if annotation.tags else {}
    row |= {"_annotator_id": annotation.annotator} if annotation.annotator else {}
    row |= {"_timestamp": annotation.time} if annotation.time is not None else {}
    return row


def prodigy_row(annotation: Annotation, account: Account) -> dict[str, Any]:
    """One annotation as Prodigy writes it, its offsets in characters.

    Raises:
        QuarantineError: nothing proves where its spans are, or its text can't be used.
    """
    text = annotation.text
    notes = check_text(text)
    language = "zh" if without_spaces(text) else "en"
    tokens, more = tokens_of(text, annotation.tokens, language)
    boundaries = Boundaries(tokens, own=not more)
    binary = annotation.binary or not annotation.complete
    spans = [
        span
        for spans, answer in ((annotation.spans, "accept"), (annotation.rejected, "reject"))
        for span in located(annotation, spans, boundaries, account, answer if binary else "")
    ]
    for note in notes:
        account.problems.add(str(annotation.place), note)
    row = {**beside(annotation), "spans": spans}
    if boundaries.own:
        row["tokens"] = [
            {"text": text[a:b], "start": a, "end": b, "id": n} for n, (a, b) in enumerate(tokens)
        ]
    interface = "spans" if annotation.asked == "spans" else "ner"
    manual = "review" if annotation.reviewed else f"{interface}_manual"
    row["_view_id"] = interface if binary else manual
    return row | ({"_is_binary": True} if binary else {})


def located(
    annotation: Annotation,
    spans: list[RawSpan],
    boundaries: Boundaries,
    account: Account,
    answer: str,
) -> list[dict[str, Any]]:
    """Spans with their offsets in characters; `answer` where each has its own."""
    placed = Spans(annotation.text, spans, boundaries.own, boundaries, annotation.trusted)
    own = spans is annotation.spans
    about = annotation.region_choices if own else {}
    keys = {key: values_of(annotation, key) for key in annotation.span_keys} if own else {}
    rows = [
        {choice.question: ", ".join(choice.accepted) for choice in about.get(number, ())}
        | {key: said[number] for key, said in keys.items() if said and said[number] is not None}
        | {"start": start, "end": end, "label": span.label, "text": annotation.text[start:end]}
        | ({"answer": span.answer or answer} if answer else {})
        for number, (span, (start, end)) in enumerate(zip(spans, placed.locate(), strict=True))
    ]
    for note in placed.notes:
        account.problems.add(str(annotation.place), note)
    return rows
