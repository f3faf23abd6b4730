"""Label Studio and Annotation Lab tasks: `annotations`, and `completions` of older versions.

Also what Label Studio writes to a cloud bucket: one annotation a file, with its task inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from components.ingest.readers.json_faults import strict_object
from components.ingest.readers.label_studio_text import (
    Value,
    chosen_key,
    in_markup,
    proven_key,
    spans_over,
)
from components.ingest.readers.prodigy import find_tags
from components.records.annotation import Annotation, Item, Place, RawChoice, Refused, Skipped
from components.records.problems import QuarantineError
from components.records.sources import SourceFile

# The kinds of result that mark spans of a text.
SPAN_KINDS = ("labels", "hypertextlabels", "paragraphlabels")
READ_OR_COUNTED = (*SPAN_KINDS, "choices", "relation")


class Chosen(msgspec.Struct):
    """The value of a result of type "choices"."""

    choices: list[str]


class Result(msgspec.Struct):
    """One thing that an annotator said about the task."""

    type: str
    value: Any = None
    to_name: Any = None
    from_name: Any = None
    id: Any = None


class Completion(msgspec.Struct):
    """One annotator's work on a task."""

    result: list[Result]
    was_cancelled: bool = False
    ground_truth: bool = False
    honeypot: bool = False  # Annotation Lab's name for ground truth
    completed_by: Any = None
    created_username: Any = None
    updated_at: Any = None
    created_at: Any = None


class Work(msgspec.Struct):
    """What one annotator marked.

    Attributes:
        values: the spans.
        fault: what is wrong with one of them; "" if nothing.
        key: the field of the task's data that the spans prove to be the text; "" if none.
        labelled, other_results: how many results mark spans, and how many say something else.
        choices: what is said of the whole text.
        of_regions: place of a span -> what is said of it alone.
    """

    completion: Completion
    values: list[Value]
    fault: str
    key: str
    labelled: int
    other_results: int
    choices: list[RawChoice]
    of_regions: dict[int, list[RawChoice]]


class Task(msgspec.Struct):
    """One text with everybody's work on it."""

    data: dict[str, Any]
    annotations: list[Completion] | None = None
    completions: list[Completion] | None = None
    meta: Any = None
    tags: Any = None

    def works(self) -> list[Work]:
        """What everybody marked."""
        done = [*(self.annotations or ()), *(self.completions or ())]
        return [work_of(completion, self.data) for completion in done]


class OfFile(msgspec.Struct):
    """What one task alone may not tell.

    Attributes:
        configured_key: the field of the text, from the config; "" if it does not say.
        proven: field -> how many annotations prove it to be the text.
        hypertext: spans are of hypertext.
    """

    configured_key: str
    proven: Counter[str]
    hypertext: bool


def read_items(source: str, tasks: Iterable[tuple[int, bytes]], file: SourceFile) -> Iterator[Item]:
    """Yield each annotation of each task.

    All are parsed first: which field holds the text, and whether the file is about spans at all,
    one task alone may not tell.
    """
    parsed = [(Place(source, number), text, parse(text)) for number, text in tasks]
    works = [task.works() if isinstance(task, Task) else [] for _, _, task in parsed]
    every = [work for some in works for work in some]
    marked = any(work.labelled for work in every)
    chosen = any(work.choices for work in every)
    of_file = OfFile(
        file.text,
        Counter(work.key for work in every if work.key),
        any(in_markup(value) for work in every for value in work.values),
    )
    for (place, raw, task), some in zip(parsed, works, strict=True):
        if isinstance(task, QuarantineError):
            yield Refused(place, task.kind, task.detail, raw)
        elif not some:
            yield Skipped(place, "task without an annotation")
        for work in some:
            # Where others of the file have spans, one with choices or relations alone has none.
            about_spans = bool(work.labelled or marked or not (work.other_results or chosen))
            if not (about_spans or work.choices or work.fault):
                yield Skipped(place, why_nothing(work))
            elif isinstance(task, Task):
                yield read_work(place, task, work, raw, of_file, about_spans=about_spans)


def why_nothing(work: Work) -> str:
    """Why an annotation is left out that has neither labels nor choices."""
    if work.other_results:
        return "annotation of another kind than labels and choices"
    return "annotation without an answer"


def parse(text: bytes) -> Task | QuarantineError:
    """A task, or why it is none."""
    try:
        record = strict_object(text)
        if "result" in record and isinstance(record.get("task"), dict):
            record = {**record["task"], "annotations": [record]}
        return msgspec.convert(record, Task)
    except QuarantineError as problem:
        return problem
    except msgspec.ValidationError as error:
        return QuarantineError("wrong_shape", str(error))


def work_of(completion: Completion, data: dict[str, Any]) -> Work:
    """What one annotator marked."""
    results = [result for result in completion.result if result.type in SPAN_KINDS]
    others = len(completion.result) - len(results)
    try:
        values = [msgspec.convert(result.value, Value) for result in results]
        check_kinds(completion.result)
        choices = choices_of(completion.result)
        of_regions = choices_of_regions(completion.result, results, values)
    except msgspec.ValidationError as error:
        return Work(completion, [], str(error), "", len(results), others, [], {})
    about = {str(result.to_name) for result in results}
    key = proven_key(data, values, about)
    return Work(completion, values, "", key, len(results), others, choices, of_regions)


def check_kinds(results: Sequence[Result]) -> None:
    """Raise ValidationError where a result of another kind marks a span: it is damaged."""
    for result in results:
        marks = {*SPAN_KINDS}.intersection(result.value if isinstance(result.value, dict) else ())
        if marks and result.type not in SPAN_KINDS:
            raise msgspec.ValidationError(f"{min(marks)} in a result of type {result.type!r}")


def choices_of(results: Sequence[Result]) -> list[RawChoice]:
    """What is said of the whole text; a choice that shares a region's id is about that region."""
    regions = {str(result.id) for result in results if result.type in SPAN_KINDS and result.id}
    return [
        choice_of(result)
        for result in results
        if result.type == "choices" and str(result.id) not in regions
    ]


def choice_of(result: Result) -> RawChoice:
    """What a result of type "choices" says."""
    chosen = msgspec.convert(result.value, Chosen).choices
    return RawChoice(chosen, question=str(result.from_name or ""))


def choices_of_regions(
    results: Sequence[Result], regions: Sequence[Result], values: Sequence[Value]
) -> dict[int, list[RawChoice]]:
    """What is said of each region alone, for the places of its spans: it has one for each label."""
    said: dict[str, list[RawChoice]] = {}
    for result in results:
        if result.type == "choices" and result.id:
            said.setdefault(str(result.id), []).append(choice_of(result))
    ids = [str(one.id) for one, value in zip(regions, values, strict=True) for _ in value.names]
    return {place: said[name] for place, name in enumerate(ids) if name in said}


def read_work(
    place: Place, task: Task, work: Work, raw: bytes, file: OfFile, *, about_spans: bool
) -> Item:
    completion = work.completion
    try:
        if work.fault:
            offsets = "start" in work.fault or "end" in work.fault
            kind = "bad_offsets" if offsets else "wrong_shape"
            raise QuarantineError(kind, f"value of a label: {work.fault}")
        sure = file.configured_key or work.key
        key = chosen_key(task.data, sure, file.proven, marked=bool(work.values))
        text, spans = spans_over(task.data[key], work.values, hypertext=file.hypertext)
    except QuarantineError as problem:
        labels = [name for value in work.values for name in value.names]
        return Refused(place, problem.kind, problem.detail, raw, labels)
    meta = {name: value for name, value in task.data.items() if name != key}
    meta |= task.meta if isinstance(task.meta, dict) else {}
    return Annotation(
        place=place,
        text=text,
        spans=spans,
        choices=work.choices,
        region_choices=work.of_regions,
        about_spans=about_spans,
        relations=sum(result.type == "relation" for result in completion.result),
        others=dict(
            Counter(one.type for one in completion.result if one.type not in READ_OR_COUNTED)
        ),
        raw=raw,
        answer="ignore" if completion.was_cancelled else "accept",
        annotator=find_annotator(completion),
        time=find_time(completion),
        reviewed=completion.ground_truth or completion.honeypot,
        trusted=False,
        tags=find_tags(task.tags, meta),
        meta=meta,
    )


def find_annotator(completion: Completion) -> str:
    who = completion.completed_by
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return str(who or completion.created_username or "")


def find_time(completion: Completion) -> float | None:
    for value in (completion.updated_at, completion.created_at):
        try:
            time = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            continue
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return None
