"""Prodigy records into typed fields at once, and yet no duplicate key is missed.

JSON parsers keep the last of two equal keys and say nothing. But every key and every string stands
between two quotes: if those that parsing left account for all quotes in the text, then nothing was
lost. To know what was left without building it, the fields of a few records are learnt, and others
are parsed into exactly these: a record that has others, or fewer, does not fit.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import msgspec

from components.ingest.annotation import RawSpan, RawToken


class Row(msgspec.Struct):
    """The fields that matter; others are passed over without being built."""

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


SHAPES = 8  # tried on a record, the last that fitted first
LEARNT = 64  # in all: an export whose records are all different gains nothing
ESCAPE = re.compile(rb"\\.", re.DOTALL)

# What a value of a type is parsed into. A field that holds a list or an object may hold anything.
KINDS: dict[type, Any] = {str: str, int: int, bool: bool, float: int | float, type(None): None}
ELEMENTS: dict[str, type[RawSpan | RawToken]] = {"spans": RawSpan, "tokens": RawToken}
decode_any = msgspec.json.Decoder().decode


class Parser:
    """Parses records; keeps the shapes of those that it has seen."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self.learnt = 0

    def parse(self, text: bytes) -> Row | None:
        """Parse a record; None if there may be anything wrong with it."""
        count = delimiters(text)
        for place, shape in enumerate(self.shapes):
            row = shape.parse(text, count)
            if row is not None:
                if place:
                    self.shapes.insert(0, self.shapes.pop(place))
                return row
        return self.learn(text, count)

    def learn(self, text: bytes, count: int) -> Row | None:
        """Parse a record of a shape that is not known, and keep the shape."""
        try:
            value = decode_any(text)
            row = msgspec.convert(value, Row)
            if quotes(value) != count:
                return None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        if self.learnt < LEARNT:
            self.learnt += 1
            with suppress(ValueError):  # a key that no field can be called by
                self.shapes = [Shape(value), *self.shapes[: SHAPES - 1]]
        return row


class Shape:
    """The fields of a record, of its spans and of its tokens; one like it must have them all.

    Attributes:
        decode: parses a record that has at least these fields.
        fixed: quotes that every such record needs.
        span, token: quotes that each of its spans and tokens needs.
        open: attributes of Row that may hold anything.
    """

    def __init__(self, record: dict[str, Any]):
        kinds = kinds_of(record)
        self.fixed = needed(kinds)
        span, token = (kinds_of(next(iter(record.get(key) or ()), {})) for key in ELEMENTS)
        self.span, self.token = needed(span), needed(token)
        for (key, base), inner in zip(ELEMENTS.items(), (span, token), strict=True):
            if kinds.get(key) is Any:
                kinds[key] = list[narrowed(base, inner)]  # type: ignore[misc]
        kind = narrowed(Row, kinds)
        self.decode = msgspec.json.Decoder(kind).decode
        fields = msgspec.structs.fields(kind)
        self.open = [field.name for field in fields if kinds.get(field.encode_name) is Any]

    def parse(self, text: bytes, count: int) -> Row | None:
        """Parse a record with so many quotes; None if it is of another shape."""
        try:
            row: Row = self.decode(text)
            expected = self.fixed
            for name in self.open:
                expected += quotes(getattr(row, name))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        expected += self.span * len(row.spans or ()) + self.token * len(row.tokens or ())
        return row if expected == count else None


def kinds_of(value: dict[str, Any]) -> dict[str, Any]:
    """What each field of an object is parsed into."""
    return {key: KINDS.get(type(item), Any) for key, item in value.items()}


def narrowed(base: type[msgspec.Struct], kinds: dict[str, Any]) -> Any:
    """A struct all of whose fields must be there; attributes are called as those of `base`."""
    names = {field.encode_name: field.name for field in msgspec.structs.fields(base)}
    fields = [
        (names.get(key, f"other_{number}"), kind, msgspec.field(name=key))
        for number, (key, kind) in enumerate(kinds.items())
    ]
    return msgspec.defstruct("Seen", fields, bases=(base,), kw_only=True, gc=False)


def needed(kinds: dict[str, Any]) -> int:
    """Quotes of the keys, and of the values that are strings."""
    return 2 * (len(kinds) + sum(kind is str for kind in kinds.values()))


def delimiters(text: bytes) -> int:
    """How many quotes in JSON begin or end a key or a string."""
    if b"\\" not in text:
        return text.count(b'"')
    return text.count(b'"') - ESCAPE.findall(text).count(b'\\"')


def quotes(value: Any) -> int:
    """How many such quotes a value needs."""
    if isinstance(value, str):
        return 2
    if isinstance(value, dict):
        return 2 * len(value) + sum(map(quotes, value.values()))
    return sum(map(quotes, value)) if isinstance(value, list) else 0
