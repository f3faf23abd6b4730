"""Label Studio and Annotation Lab tasks: `annotations`, and `completions` of older versions.

Older versions gave the offset of the last character as `end`; each span's own text tells (see
`spans.locate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from components.ingest.annotation import Annotation, Item, Place, RawSpan, Refused, Skipped
from components.ingest.problems import QuarantineError
from components.ingest.readers.json_faults import strict_object
from components.ingest.readers.prodigy import find_tags
from components.records.sources import SourceFile


class Value(msgspec.Struct):
    """The value of a result of type "labels"."""

    start: int
    end: int
    labels: list[str] = []
    text: str | None = None


class Result(msgspec.Struct):
    """One thing that an annotator said about the task."""

    type: str = ""
    value: Any = None


class Completion(msgspec.Struct):
    """One annotator's work on a task."""

    result: list[Result] = []
    was_cancelled: bool = False
    ground_truth: bool = False
    honeypot: bool = False  # Annotation Lab's name for ground truth
    completed_by: Any = None
    created_username: Any = None
    updated_at: Any = None
    created_at: Any = None


class Task(msgspec.Struct):
    """One text with everybody's work on it."""

    data: dict[str, Any]
    annotations: list[Completion] | None = None
    completions: list[Completion] | None = None
    meta: Any = None
    tags: Any = None
    id: Any = None


def read_items(source: str, tasks: Iterable[tuple[int, bytes]], file: SourceFile) -> Iterator[Item]:
    """Yield each annotation of each task."""
    for number, text in tasks:
        yield from read_task(Place(source, number), text)


def read_task(place: Place, text: bytes) -> Iterator[Item]:
    """Yield each annotation of one task."""
    try:
        yield from task_items(place, msgspec.convert(strict_object(text), Task), text)
    except QuarantineError as problem:
        yield Refused(place, problem.kind, problem.detail, text)
    except msgspec.ValidationError as error:
        yield Refused(place, "wrong_shape", str(error), text)


def task_items(place: Place, task: Task, raw: bytes) -> Iterator[Item]:
    work = [*(task.annotations or ()), *(task.completions or ())]
    if not work:
        yield Skipped(place, "task without an annotation")
    for completion in work:
        yield read_completion(place, task, completion, raw)


def read_completion(place: Place, task: Task, completion: Completion, raw: bytes) -> Item:
    labelled = [result for result in completion.result if result.type == "labels"]
    if completion.result and not labelled:
        return Skipped(place, "annotation of another kind than labels")
    try:
        values = [msgspec.convert(result.value, Value) for result in labelled]
        text = find_text(task.data)
    except msgspec.ValidationError as error:
        kind = "bad_offsets" if "start" in str(error) or "end" in str(error) else "wrong_shape"
        return Refused(place, kind, f"value of a label: {error}", raw)
    except QuarantineError as problem:
        return Refused(place, problem.kind, problem.detail, raw)
    meta = {key: value for key, value in task.data.items() if value != text}
    meta |= task.meta if isinstance(task.meta, dict) else {}
    return Annotation(
        place=place,
        text=text,
        spans=[span for value in values for span in spans(value)],
        raw=raw,
        answer="ignore" if completion.was_cancelled else "accept",
        annotator=find_annotator(completion),
        time=find_time(completion),
        reviewed=completion.ground_truth or completion.honeypot,
        trusted=False,
        tags=find_tags(task.tags, meta),
        meta=meta,
    )


def spans(value: Value) -> list[RawSpan]:
    """One span per label: Label Studio lets a region have several."""
    return [RawSpan(value.start, value.end, label, value.text) for label in value.labels or [""]]


def find_text(data: dict[str, Any]) -> str:
    """The text of a task: `text`, or the only string there is."""
    strings = [value for value in data.values() if isinstance(value, str)]
    text = data.get("text", strings[0] if len(strings) == 1 else None)
    if not isinstance(text, str):
        raise QuarantineError("wrong_shape", "`data` has no `text`, and not one string alone")
    return text


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
