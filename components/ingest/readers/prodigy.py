"""Prodigy's JSON Lines: ner.manual, ner.correct, ner.teach and review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from components.ingest.annotation import Annotation, Item, Place, RawSpan, RawToken, Refused
from components.ingest.problems import QuarantineError
from components.ingest.readers.json_faults import strict_object


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
    versions: Any = None


decode_tokens = msgspec.json.Decoder(list[RawToken]).decode
decode_any = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode

TOKENS = b'"tokens":'
CUT_OUT = b"[]"
KEY_END = b'":'


def read_items(place: Place, line: bytes) -> Iterator[Item]:
    """Yield the one annotation of a record."""
    try:
        yield to_annotation(place, parse(line), line)
    except QuarantineError as problem:
        yield Refused(place, problem.kind, problem.detail, line)


def parse(line: bytes) -> Row:
    """Parse one record; raise QuarantineError with the class of what is wrong."""
    return quick(line) or careful(strict_object(line))


def quick(line: bytes) -> Row | None:
    """Parse a record as Prodigy writes it; None if there may be anything wrong with it.

    JSON parsers keep the last of two equal keys and say nothing. To see them, the keys in the text
    are counted and compared with those that parsing leaves; that would cost more than parsing if
    the tokens, most of the text and all alike, were not taken out first.
    """
    rest, tokens = take_tokens(line)
    try:
        value = decode_any(rest)
        if repeats_keys(rest, value):
            return None
        row = msgspec.convert(value, Row)
        if tokens:
            if row.tokens != []:
                return None
            row.tokens = decode_tokens(tokens)
            if not alike(tokens, row):
                return None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return row


def take_tokens(line: bytes) -> tuple[bytes, bytes]:
    """Split a record into itself with an empty list of tokens, and the list."""
    start = line.find(TOKENS) + len(TOKENS)
    end = line.find(b"]", start) + 1
    while end and line[end - 2 : end] != b"}]":  # a bracket that is a token
        end = line.find(b"]", end) + 1
    tokens = line[start:end].lstrip()
    if start < len(TOKENS) or not tokens.startswith(b"[{"):
        return line, b""
    return line[:start] + CUT_OUT + line[end:], tokens


def alike(tokens: bytes, row: Row) -> bool:
    """Whether all tokens have the keys of the first, each once: their quotes are counted.

    The quotes of a token are those of its keys and of its text, and those inside the text.
    """
    keys = decode_any(tokens[1 : tokens.index(b"}") + 1])
    quotes = len(row.tokens or ()) * (2 * len(keys) + 2) + row.text.count('"')
    return "text" in keys and tokens.count(b'"') == quotes


def repeats_keys(text: bytes, value: Any) -> bool:
    """Whether `text` may have a key twice in an object; `value` is what parsing made of it.

    Every key ends with `":`, and so may other things; all but lost keys come back when `value` is
    written again. Odd spacing and escapes, which do not come back, only make this say True.
    """
    again = encode(value)
    if again == text:
        return False
    odd = b'" :' in text or b"\\u0022" in text
    return odd or text.count(KEY_END) != again.count(KEY_END)


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
        time=seconds(row.time),
        reviewed=row.view == "review" or bool(row.versions),
        binary=is_binary(row, spans),
        tags=find_tags(row.tags, meta),
        meta=meta,
    )


def is_binary(row: Row, spans: list[RawSpan]) -> bool:
    """ner.teach asks yes or no about single spans; old exports only show it in the spans."""
    if isinstance(row.binary, bool):
        return row.binary
    if row.view is not None:
        return bool(row.view == "ner")
    return any(span.answer is not None for span in spans)


def seconds(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def name(value: Any) -> str:
    return "" if value is None else str(value)


def find_tags(tags: Any, meta: dict[str, Any]) -> tuple[str, ...]:
    """Tags of a record: `tags`, meta.tags, meta.tag or meta.split; one or several."""
    found: list[str] = []
    for value in (tags, meta.get("tags"), meta.get("tag"), meta.get("split")):
        values = value if isinstance(value, list) else [value]
        found += [str(item) for item in values if isinstance(item, str | int)]
    return tuple(found)
