"""What every reader yields: an annotation as the tool wrote it, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec


class RawSpan(msgspec.Struct, gc=False):
    """A span as exported: nothing about it is certain but the types.

    Attributes:
        token_start, token_end: numbers of its tokens; of any type.
    """

    start: int
    end: int
    label: str | None = None
    text: str | None = None
    answer: str | None = None
    token_start: Any = None
    token_end: Any = None


class RawToken(msgspec.Struct, gc=False):
    """A token as exported."""

    start: int
    end: int
    text: str | None = None


class RawChoice(msgspec.Struct, gc=False):
    """A question about the whole text, with its answer as exported.

    Attributes:
        accepted: labels that were chosen.
        options: labels that could be chosen; None where the export does not say.
        question: the name of the question, where a project asks several.
        by_label: each option was answered by itself, as in `doc.cats`: what was not accepted is
            wrong, also where nothing was.
        several: whether the tool let choose several; None where the export does not say.
    """

    accepted: list[str]
    options: list[str] | None = None
    question: str = ""
    by_label: bool = False
    several: bool | None = None


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a record stands: the file, and its line (or its number, where lines do not count)."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


class Annotation(msgspec.Struct, gc=False):
    """One person's (or model's) answer on one text.

    Attributes:
        tokens: None when the export has none.
        annotator: "" when it is not known.
        time: seconds since 1970, UTC; None when it is not known.
        reviewed: somebody checked it, or chose it among others.
        binary: the answer is about the spans given, and says nothing about the rest of the text.
        complete: False when the export itself says that some tokens are unknown.
        trusted: False where offsets that no text of the span confirms may be wrong.
        about_spans: False where the row is of another task: it says nothing about entities.
        asked: "ents" or "spans" where the tool says which of them it asked for: spans that may not
            overlap, or those that may; "" where it does not say.
        groups: spans under names of their own, beside `spans`, as `doc.spans` has them; a group
            that is there and empty was looked for, and nothing found.
        rejected_groups: of each group, what annotators said is wrong.
        partial_groups: groups of which some of the text is unknown.
        relations: how many relations between spans it has, which no task reads.
        region_choices: place of a span in `spans` -> questions about that span alone.
        span_keys: key that Prodigy does not write into spans -> spans that have it.
        others: what annotators said that is neither a span, a class nor a relation -> how often.
        raw: the record as it stands in the source.
    """

    place: Place
    text: str
    spans: list[RawSpan]
    raw: bytes
    tokens: list[RawToken] | None = None
    answer: str | None = None
    annotator: str = ""
    time: float | None = None
    reviewed: bool = False
    binary: bool = False
    complete: bool = True
    rejected: list[RawSpan] = []
    choices: list[RawChoice] = []
    trusted: bool = True
    tags: tuple[str, ...] = ()
    meta: dict[str, Any] = {}
    about_spans: bool = True
    asked: str = ""
    groups: dict[str, list[RawSpan]] = {}
    rejected_groups: dict[str, list[RawSpan]] = {}
    partial_groups: tuple[str, ...] = ()
    relations: int = 0
    region_choices: dict[int, list[RawChoice]] = {}
    span_keys: dict[str, int] = {}
    others: dict[str, int] = {}


class Refused(msgspec.Struct):
    """A record that could not be read. `kind` is a key of `problems.KINDS`.

    Attributes:
        labels: of the spans that it has, as far as that can be told.
    """

    place: Place
    kind: str
    detail: str
    raw: bytes
    labels: list[str] = []


class Skipped(msgspec.Struct):
    """A record that holds no annotation of this task."""

    place: Place
    reason: str


Item = Annotation | Refused | Skipped


def values_of(annotation: Annotation, key: str) -> Sequence[Any]:
    """What a key of each span of a Prodigy row says; nothing where the source is none."""
    try:
        row = json.loads(annotation.raw)
    except ValueError:
        return ()
    spans = row.get("spans") if isinstance(row, dict) else None
    if not isinstance(spans, list) or len(spans) != len(annotation.spans):
        return ()
    return [span.get(key) if isinstance(span, dict) else None for span in spans]
