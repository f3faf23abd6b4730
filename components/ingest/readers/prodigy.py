"""Prodigy's JSON Lines: ner.manual, ner.correct, ner.teach and review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from components.ingest.annotation import Annotation, Item, Place, RawSpan, RawToken, Refused
from components.ingest.problems import QuarantineError
from components.ingest.readers.json_faults import strict_object

NOTHING = msgspec.Raw(b"")


class Row(msgspec.Struct):
    """The fields that matter, typed; others are passed over without being built."""

    text: str
    spans: list[RawSpan] | None = None
    tokens: list[RawToken] | None = None
    answer: str | None = None
    meta: Any = None
    tags: Any = None
    annotator: Any = msgspec.field(default=None, name="_annotator_id")
    session: Any = msgspec.field(default=None, name="_session_id")
    time: Any = msgspec.field(default=None, name="_timestamp")
    view: Any = msgspec.field(default=None, name="_view_id")
    binary: Any = msgspec.field(default=None, name="_is_binary")
    versions: msgspec.Raw = NOTHING


decode_row = msgspec.json.Decoder(Row).decode
decode_top = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
decode_any = msgspec.json.Decoder().decode


def read_items(place: Place, line: bytes) -> Iterator[Item]:
    """Yield the one annotation of a record."""
    try:
        yield to_annotation(place, parse(line), line)
    except QuarantineError as problem:
        yield Refused(place, problem.kind, problem.detail, line)


def parse(line: bytes) -> Row:
    """Parse one line; raise QuarantineError with the class of what is wrong."""
    try:
        row = decode_row(line)
        if not repeats_keys(line):
            return row
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    return careful(strict_object(line))


def careful(value: dict[str, Any]) -> Row:
    """Convert a JSON object whose types may be wrong; wrong tokens alone are no reason to refuse.

    Raises:
        QuarantineError: the text, the spans or the answer have a wrong type.
    """
    try:
        return msgspec.convert(value, Row)
    except msgspec.ValidationError as error:
        where = str(error)
        if "$.tokens" in where:
            return careful({**value, "tokens": []})
        if "$.answer" in where:
            raise QuarantineError("missing_answer", where) from error
        if "$.spans[" in where and re.search(r"[.`](start|end)\b", where):
            detail = f"offsets must be whole numbers: {where}"
            raise QuarantineError("bad_offsets", detail) from error
        raise QuarantineError("wrong_shape", where) from error


def repeats_keys(line: bytes) -> bool:
    """Whether an object in this valid JSON may have a key twice; False is certain.

    Every key ends with `":`. Their number is compared with the number of keys that parsing leaves;
    text that contains `":` or odd spacing only makes it say True.
    """
    if b'" :' in line:
        return True
    top = decode_top(line)
    return line.count(b'":') != len(top) + sum(map(count_keys, top.values()))


def count_keys(value: msgspec.Raw) -> int:
    """The number of keys in `value`, where all objects of a list look like its first."""
    text = bytes(value)
    if text.startswith(b"[{") and text.find(b"{", 2) > 0 and b"}" in text:
        return list_keys(text)
    return nested_keys(decode_any(text)) if text[:1] in b"[{" else 0


def list_keys(text: bytes) -> int:
    """As `count_keys`, for a list of objects without building them all."""
    try:
        first = decode_any(text[1 : text.index(b"}") + 1])
    except msgspec.DecodeError:
        return nested_keys(decode_any(text))
    return len(first) * text.count(b"{")


def nested_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(nested_keys, value.values()))
    return sum(map(nested_keys, value)) if isinstance(value, list) else 0


def to_annotation(place: Place, row: Row, line: bytes) -> Annotation:
    spans = row.spans or []
    meta = row.meta if isinstance(row.meta, dict) else {}
    return Annotation(
        place=place,
        text=row.text,
        spans=spans,
        raw=line,
        tokens=row.tokens,
        answer=row.answer,
        annotator=name(row.annotator) or name(row.session),
        time=float(row.time) if isinstance(row.time, int | float) else None,
        reviewed=row.view == "review" or row.versions not in (NOTHING, b"[]", b"null"),
        binary=is_binary(row, spans),
        tags=find_tags(row.tags, meta),
        meta=meta,
    )


def is_binary(row: Row, spans: list[RawSpan]) -> bool:
    """ner.teach asks yes or no about single spans; old exports only show it in the spans."""
    if isinstance(row.binary, bool):
        return row.binary
    return row.view == "ner" or any(span.answer is not None for span in spans)


def name(value: Any) -> str:
    return "" if value is None else str(value)


def find_tags(tags: Any, meta: dict[str, Any]) -> tuple[str, ...]:
    """Tags of a record: `tags`, meta.tags, meta.tag or meta.split; one or several."""
    found: list[str] = []
    for value in (tags, meta.get("tags"), meta.get("tag"), meta.get("split")):
        values = value if isinstance(value, list) else [value]
        found += [str(item) for item in values if isinstance(item, str | int)]
    return tuple(found)
