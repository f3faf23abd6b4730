"""Prodigy records into typed fields at once, and yet no duplicate key is missed.

JSON parsers keep the last of two equal keys and say nothing. But every key and every string stands
between two quotes: if those that parsing left account for all quotes in the text, then nothing was
lost. No record can account for more quotes than it has: so those of many are counted at once. To
know what was left without building it, the fields of a few records are learnt, and others are
parsed into exactly these: a record that has others, or fewer, does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from components.records.annotation import RawSpan, RawToken


class Row(msgspec.Struct):
    """The fields that matter; others are passed over without being built.

    Attributes:
        more: keys of its spans that RawSpan has no field for and that hold something, the same in
            each of them; None where they were not looked at.
    """

    more: ClassVar[tuple[str, ...] | None] = None
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
    options: Any = None
    accept: Any = None
    label: Any = None
    config: Any = None
    relations: Any = None
    user_input: Any = None
    flagged: Any = None


SHAPES = 8  # kept; those that fitted more records of the last block are tried first
LEARNT = 64  # in all: an export whose records are all different gains nothing
QUOTE, BACKSLASH = b'"\\'
FAULTS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)

# What a value of a type is parsed into. A field that holds a list or an object may hold anything.
KINDS: dict[type, Any] = {str: str, int: int, bool: bool, float: int | float, type(None): None}
ELEMENTS: dict[str, type[RawSpan | RawToken]] = {"spans": RawSpan, "tokens": RawToken}
decode_any = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


class Parser:
    """Parses records; keeps the shapes of those that it has seen."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self.learnt = 0

    def parse(self, lines: Sequence[bytes]) -> list[Row | None]:
        """Parse a block of records; None for each that there may be anything wrong with."""
        rows: list[Row | None] = [None] * len(lines)
        for shape in self.shapes:
            shape.fitted = fill(rows, lines, shape)
        for place, line in enumerate(lines):
            if rows[place] is None:
                rows[place], new = self.learn(line)
                if new:
                    new.fitted = 1 + fill(rows, lines, new)
        self.shapes.sort(key=attrgetter("fitted"), reverse=True)
        return rows

    def learn(self, text: bytes) -> tuple[Row | None, Shape | None]:
        """Parse a record of a shape that is not known, and keep the shape."""
        try:
            value = decode_any(text)
            row = msgspec.convert(value, Row)
            if delimiters(encode(value)) != delimiters(text):
                return None, None
        except FAULTS:
            return None, None
        if self.learnt == LEARNT:
            return row, None
        self.learnt += 1
        with suppress(ValueError):  # a key that no field can be called by
            new = Shape(value, text)
            # Lists that were empty fit a shape that knows what is in them, but not the reverse.
            others = [shape for shape in self.shapes if new.parse([shape.example]) == [None]]
            self.shapes = [*others[: SHAPES - 1], new]
            return row, new
        return row, None


class Shape:
    """The fields of a record, of its spans and of its tokens; one like it must have them all.

    Attributes:
        example: the record that it was learnt from.
        decode: parses a record that has these fields.
        fixed: quotes that every such record needs.
        span, token: quotes that each of its spans and tokens needs.
        open: attributes of Row that may hold anything.
        fitted: how many records of the last block did.
    """

    def __init__(self, record: dict[str, Any], example: bytes):
        self.example = example
        kinds = kinds_of(record)
        self.fixed = needed(kinds)
        span, token = (kinds_of(next(iter(record.get(key) or ()), {})) for key in ELEMENTS)
        self.span, self.token = needed(span), needed(token)
        for (key, base), inner in zip(ELEMENTS.items(), (span, token), strict=True):
            if kinds.get(key) is Any:
                kinds[key] = list[narrowed(base, inner)]  # type: ignore[misc]
        kind = narrowed(Row, kinds, more=more_than(RawSpan, span))
        self.decode = msgspec.json.Decoder(kind).decode
        fields = msgspec.structs.fields(kind)
        self.open = [field.name for field in fields if kinds.get(field.encode_name) is Any]
        self.fitted = 0

    def parse(self, lines: Sequence[bytes]) -> list[Row | None]:
        """Parse records; None for each that is of another shape."""
        rows = self.decoded(lines)
        if not any(rows):
            return rows
        fitting, texts = rows, lines
        if not all(rows):
            fitting = [row for row in rows if row]
            texts = [line for line, row in zip(lines, rows, strict=True) if row]
        if self.quotes(fitting) == delimiters(b"\n".join(texts)):
            return rows
        if len(lines) == 1:
            return [None]
        half = len(lines) // 2
        return self.parse(lines[:half]) + self.parse(lines[half:])

    def decoded(self, lines: Sequence[bytes]) -> list[Row | None]:
        """Each record; None for those that do not have these fields."""
        rows: list[Row | None] = []
        coming = map(self.decode, lines)
        while len(rows) < len(lines):
            try:
                rows.extend(coming)  # keeps what came before an error, and the map goes on after it
            except FAULTS:
                rows.append(None)
        return rows

    def quotes(self, rows: Sequence[Any]) -> int:
        """Quotes that the records need; -1 if that is unknown."""
        anything: list[Any] = []
        for name in self.open:
            anything += map(attrgetter(name), rows)
        try:
            inside = delimiters(encode(anything)) if anything else 0
        except RecursionError:
            return -1
        spans = sum([len(row.spans) for row in rows if row.spans])
        tokens = sum([len(row.tokens) for row in rows if row.tokens])
        return inside + self.fixed * len(rows) + self.span * spans + self.token * tokens


def fill(rows: list[Row | None], lines: Sequence[bytes], shape: Shape) -> int:
    """Put in the records of a shape that are missing; return how many."""
    if all(rows):
        return 0
    if not any(rows):
        rows[:] = shape.parse(lines)
        return len(rows) - rows.count(None)
    places = [place for place, row in enumerate(rows) if row is None]
    parsed = shape.parse([lines[place] for place in places])
    for place, row in zip(places, parsed, strict=True):
        rows[place] = row
    return len(parsed) - parsed.count(None)


def kinds_of(value: dict[str, Any]) -> dict[str, Any]:
    """What each field of an object is parsed into."""
    return {key: KINDS.get(type(item), Any) for key, item in value.items()}


def narrowed(base: type[msgspec.Struct], kinds: dict[str, Any], **own: Any) -> Any:
    """A struct of these fields alone, in their order; attributes are called as those of `base`.

    Args:
        own: attributes of the class itself.
    """
    known = {field.encode_name: field for field in msgspec.structs.fields(base)}
    fields = [
        (known[key].name if key in known else f"other_{number}", kind, msgspec.field(name=key))
        for number, (key, kind) in enumerate(kinds.items())
    ]
    absent = {field.name: field.default for key, field in known.items() if key not in kinds}
    return msgspec.defstruct(
        "Seen", fields, namespace=absent | own, kw_only=True, forbid_unknown_fields=True, gc=False
    )


def more_than(base: type[msgspec.Struct], kinds: dict[str, Any]) -> tuple[str, ...]:
    """The keys that a struct has no field for, without those whose value is null."""
    fields = base.__struct_encode_fields__
    return tuple([key for key, kind in kinds.items() if kind is not None and key not in fields])


def needed(kinds: dict[str, Any]) -> int:
    """Quotes of the keys, and of the values that are strings."""
    return 2 * (len(kinds) + sum(kind is str for kind in kinds.values()))


def delimiters(text: bytes) -> int:
    """How many quotes in JSON begin or end a key or a string."""
    codes = np.frombuffer(text, np.uint8)
    quotes = int(np.count_nonzero(codes == QUOTE))
    if b"\\" not in text:
        return quotes
    escapes = np.flatnonzero(codes == BACKSLASH)
    escaped = codes[escapes + 1]
    if (escaped == BACKSLASH).any():
        escaped = escaped[first_of_two(escapes)]
    return quotes - int(np.count_nonzero(escaped == QUOTE))


def first_of_two(places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each place is the first, the third and so on of a run without gaps."""
    order = np.arange(len(places))
    start = np.maximum.accumulate(np.where(np.diff(places, prepend=-2) > 1, order, 0))
    first: NDArray[np.bool_] = (order - start) % 2 == 0
    return first
