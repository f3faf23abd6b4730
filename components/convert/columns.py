"""Records as columns of a DocBin.

spaCy has three places for what is said of a document: `doc.ents`, `doc.cats` and `doc.spans`. Each
kind of task says which one is its own; what is written there follows from its answers alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.strings import StringStore
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.vocab import Vocab

from components.convert.alignment import aligned
from components.convert.counts import EXAMPLES, Counts, TaskCounts
from components.convert.docbin import NO_SPANS, Columns
from components.convert.layout import Layout
from components.convert.rows import UNANSWERED, Row, RowAnswers
from components.convert.settings import ConvertSettings
from components.convert.spans import SpanColumns, find, gather, refuse_overlaps
from components.convert.texts import Texts, join, spaced
from components.convert.tokens import resolve_tokens
from components.convert.windows import cut_into_windows
from components.convert.words import hashes
from components.records.groups import INCORRECT_SPANS, rejected_of
from components.records.languages import LANG
from components.tasks.base import Task
from components.tasks.iob import BEGIN, INSIDE, MISSING, OUTSIDE


class About(msgspec.Struct, omit_defaults=True, gc=False):
    """`Doc.user_data`: what ties a document to its record.

    Attributes:
        id, meta: of the record.
        start: character of the record's text where this window of it starts.
        unanswered: tasks of the phase that nobody annotated it for; left out if there is none.
        known: of tasks whose spans lie in a group, the labels that somebody looked for, where that
            is not all; of others only what the group holds is known, or what was rejected.
        silver: the model that gave the answers; left out where annotators did.
    """

    id: str
    start: int
    meta: dict[str, Any]
    unanswered: list[str] | None = None
    known: dict[str, list[str]] | None = None
    silver: str = ""


@dataclass(frozen=True)
class TaskAnswers:
    """What annotators said for one task.

    Attributes:
        answers, answered: of each record, and whether there are any.
        complete: of each record, whether each label of the task is known.
        spans, rejected: those of all records.
    """

    task: Task
    answers: list[RowAnswers]
    answered: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    spans: SpanColumns
    rejected: SpanColumns


def to_columns(
    rows: Sequence[Row], tasks: Sequence[Task], settings: ConvertSettings
) -> tuple[Columns, Counts]:
    """Turn records into columns; every span is there exactly as it was annotated.

    Raises:
        DataError: a span is not inside its text, or two entities overlap.
    """
    counts = Counts(records=len(rows), silver=sum(bool(row.silver) for row in rows))
    texts = join([row.text for row in rows])
    said = [gathered(task, rows, texts) for task in tasks]
    marks = [each for one in said for each in (one.spans, one.rejected)]
    layout = resolve_tokens(rows, texts, marks, settings.language, counts)
    # A class is one of the whole document: no window of it need have what makes it so.
    whole = any(task.place == "cats" for task in tasks)
    document, starts = cut_into_windows(layout, marks, 0 if whole else settings.window_words)
    words, strings = hashes(layout)
    counts.documents, counts.words = len(starts), len(words)
    counts.windowed = int((np.bincount(document) > 1).sum())
    counts.tasks = {one.task.name: counted(one, rows, texts, settings.language) for one in said}
    offsets = np.append(layout.starts, texts.base[-1])[starts] - texts.base[document]
    entities = next((one for one in said if one.task.place == "ents"), None)
    return Columns(
        words=words,
        spaces=layout.spaces,
        lengths=np.diff(starts, append=len(words)).astype(np.int32),
        attributes=attributes(layout, entities) if entities else {},
        strings=[*strings, *(name for each in marks for name in each.names)],
        user_data=about(rows, said, document.tolist(), offsets.tolist()),
        span_groups=span_groups(layout, groups(said), document, starts),
        cats=cats(said, document.tolist()),
    ), counts


def gathered(task: Task, rows: Sequence[Row], texts: Texts) -> TaskAnswers:
    """What was said for a task.

    Raises:
        DataError: a span is not inside its text, or two entities overlap.
    """
    answers = [row.answers.get(task.name, UNANSWERED) for row in rows]
    each = [one.spans for one in answers]
    spans = gather(each, rows, texts)
    if task.place == "ents":
        refuse_overlaps(spans, each, rows)
    refused = [one.rejected or () for one in answers]
    rejected = gather(refused if any(refused) else (), rows, texts)
    answered, complete = np.ones((2, len(rows)), bool)
    for at, one in enumerate(answers):
        if not one.complete or one.known is not None:
            answered[at] = one is not UNANSWERED
            complete[at] = one.complete and set(task.labels) <= set(one.known or ())
    return TaskAnswers(task, answers, answered, complete, spans, rejected)


def about(
    rows: Sequence[Row],
    said: Sequence[TaskAnswers],
    document: Sequence[int],
    offsets: Sequence[int],
) -> list[About]:
    """The user data of each document."""
    windows = zip(map(rows.__getitem__, document), offsets, strict=True)
    result = [About(row.id, offset, row.meta, silver=row.silver) for row, offset in windows]
    unanswered: dict[int, list[str]] = {}
    known: dict[int, dict[str, list[str]]] = {}
    for one in said:
        for at in np.flatnonzero(~one.answered).tolist():
            unanswered.setdefault(at, []).append(one.task.name)
        partial = one.answered & ~one.complete & (one.task.place == "spans")
        for at in np.flatnonzero(partial).tolist():
            known.setdefault(at, {})[one.task.name] = known_labels(one.answers[at], one.task)
    for window, at in zip(result, document, strict=True) if unanswered or known else ():
        window.unanswered, window.known = unanswered.get(at), known.get(at)
    return result


def known_labels(said: RowAnswers, task: Task) -> list[str]:
    """The labels of a task of which all spans of a document are known."""
    if not said.complete:
        return []
    return [label for label in task.labels if said.known is None or label in said.known]


def attributes(layout: Layout, said: TaskAnswers) -> dict[int, NDArray[np.uint64]]:
    """The two attributes of a token that say what `doc.ents` holds."""
    entities = said.spans
    background = np.where(said.complete, np.uint64(OUTSIDE), np.uint64(MISSING))
    iob = np.repeat(background, np.diff(layout.first))
    kind = np.zeros(len(iob), np.uint64)
    hashes = np.array(list(map(StringStore().add, entities.names)), np.uint64)
    first, end = find(entities, layout)
    lengths = end - first
    within = np.repeat(end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    iob[within] = INSIDE
    iob[first] = BEGIN
    kind[within] = np.repeat(hashes[entities.labels], lengths)
    return {ENT_IOB: iob, ENT_TYPE: kind}


def cats(said: Sequence[TaskAnswers], document: Sequence[int]) -> list[dict[str, float]]:
    """`doc.cats` of each document: the classes that are known to be there or not."""
    answers = [one.answers for one in said if one.task.place == "cats"]
    if not answers:
        return [{}] * len(document)
    return [
        {name: float(there) for each in answers for name, there in (each[at].cats or {}).items()}
        for at in document
    ]


@dataclass(frozen=True)
class Group:
    """One group of `doc.spans`, and the records that have it.

    Attributes:
        empty: a window has it even if it has none of its spans.
    """

    key: str
    marks: SpanColumns
    records: Collection[int]
    empty: bool


def groups(said: Sequence[TaskAnswers]) -> list[Group]:
    """The groups of spans: those of tasks that stand there, and rejected ones."""
    result = []
    for one in said:
        key = INCORRECT_SPANS
        if one.task.place == "spans":
            answered = set(np.flatnonzero(one.answered).tolist())
            result.append(Group(one.task.name, one.spans, answered, empty=True))
            key = rejected_of(one.task.name)
        if one.task.place != "cats":
            marked = set(one.rejected.document.tolist())
            result.append(Group(key, one.rejected, marked, empty=False))
    return result


def span_groups(
    layout: Layout, groups: Sequence[Group], document: NDArray[np.int64], starts: NDArray[np.int64]
) -> list[bytes]:
    """`doc.spans` of each document, as bytes."""
    ends = np.append(starts[1:], len(layout.starts))
    result = [NO_SPANS] * len(starts)
    ranges = [find(group.marks, layout) for group in groups]
    windows = [np.searchsorted(starts, firsts, side="right") - 1 for firsts, _ in ranges]
    having = {record for group in groups for record in group.records}
    for at in np.flatnonzero(np.isin(document, list(having))).tolist() if having else ():
        first, end = int(starts[at]), int(ends[at])
        words, spaces = layout.words(first, end), layout.spaces[first:end].tolist()
        doc = Doc(Vocab(), words=words, spaces=spaces)
        for group, (firsts, lasts), window in zip(groups, ranges, windows, strict=True):
            inside = np.flatnonzero(window == at).tolist()
            if inside or (group.empty and int(document[at]) in group.records):
                doc.spans[group.key] = [
                    DocSpan(
                        doc,
                        int(firsts[i]) - first,
                        int(lasts[i]) - first,
                        group.marks.names[group.marks.labels[i]],
                    )
                    for i in inside
                ]
        result[at] = doc.spans.to_bytes()
    return result


def counted(said: TaskAnswers, rows: Sequence[Row], texts: Texts, language: str) -> TaskCounts:
    """Count what was said for a task, and the spans that the training tokeniser cannot delimit."""
    counts, spans = TaskCounts(), said.spans
    counts.incomplete = int((said.answered & ~said.complete).sum())
    counts.rejected = len(said.rejected.labels)
    each = np.bincount(spans.labels, minlength=len(spans.names))
    counts.items.update(dict(zip(spans.names, each.tolist(), strict=True)))
    for one in said.answers if said.task.place == "cats" else ():
        counts.items.update(name for name, there in (one.cats or {}).items() if there)
    # Next to white space, as most spans are, there is nothing to look up.
    base, document = texts.base, spans.document
    languages = [str(row.meta.get(LANG, "")) for row in rows]
    if any(languages):
        counts.in_language.update(languages[at] for at in document.tolist())
    left = spaced(texts, spans.left) | (spans.left == base[document])
    right = spaced(texts, spans.right) | (spans.right == base[document + 1])
    for at in np.flatnonzero(~(left & right)).tolist():
        row, label = rows[document[at]], spans.names[spans.labels[at]]
        start, end = (int(edges[at] - base[document[at]]) for edges in (spans.left, spans.right))
        if not aligned(row.text, start, end, language):
            counts.misaligned[label] += 1
            if counts.in_language:
                counts.misaligned_in[languages[document[at]]] += 1
            if len(counts.examples) < EXAMPLES:
                counts.examples.append((row.source, label, row.text[start:end]))
    return counts
