"""YAML 1.2 text as plain data, with the line of every key; every fault of it is one message.

ruamel.yaml scans and parses; the data are built from its events, so that aliases, depth and size
are bounded before anything grows, and a scalar is what YAML 1.2's core schema says: NO, 12:30 and
2025-02-30 are strings.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

Key = str | int
KeyPath = tuple[Key, ...]

LONGEST_TEXT = 1_000_000  # characters
LONGEST_NUMBER = 40  # characters
DEEPEST = 50  # levels
MOST_VALUES = 100_000  # with what aliases repeat

NULL = re.compile(r"~|null|Null|NULL|")
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
COLLECTION_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
STRING_TAGS = ("!", "tag:yaml.org,2002:str")
# What YAML 1.2 calls printable, less the byte order mark.
UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
ESCAPED = re.compile(f"{UNPRINTABLE.pattern}|[\x85\u2028\u2029]")


class YamlFaultError(Exception):
    """What is wrong with a text, and where: lines and columns count from 1."""

    def __init__(self, detail: str, line: int = 1, column: int = 1):
        super().__init__(detail)
        self.detail, self.line, self.column = detail, line, column


def parse_yaml(text: str) -> tuple[Any, dict[KeyPath, int]]:
    """Parse one YAML document; an empty one is None.

    Returns:
        The data, and the line of every key and list item by its path.

    Raises:
        YamlFaultError: it is not YAML, or more than a config needs.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > LONGEST_TEXT:
        raise YamlFaultError(f"the text has more than {LONGEST_TEXT:,} characters")
    if odd := UNPRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        detail = f"the character U+{ord(odd[0]):04X}, which YAML does not have. Delete it"
        raise YamlFaultError(detail, line, column)
    try:
        builder = Builder(text)
        return builder.document(), builder.lines
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlFaultError(f"not valid YAML: {error.problem or error.context}", *where) from None
    except YAMLError as error:
        raise YamlFaultError(f"not valid YAML: {error}") from None


def scalar(text: str) -> Any:
    """What a scalar without quotes is.

    Raises:
        ValueError: it is a number that no setting can hold.
    """
    if NULL.fullmatch(text):
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is no number that a setting can have")
    whole = WHOLE.fullmatch(text)
    if not whole and not DECIMAL.fullmatch(text):
        return text
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text):,} characters")
    if whole:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def spell(text: str) -> str:
    """A string so that it reads back as the same string, in quotes where it must."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text) and scalar(text) == text:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return ESCAPED.sub(lambda odd: f"\\U{ord(odd[0]):08X}", quoted)


class Builder:
    """Builds the data of a document from the events of the parser."""

    def __init__(self, text: str):
        self.events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self.lines: dict[KeyPath, int] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}  # value, how many values it holds
        self.open: set[str] = set()  # anchors whose value is not complete
        self.values = 0

    def document(self) -> Any:
        """The document; raises YamlFaultError where there are two."""
        data, documents = None, 0
        for event in self.events:
            documents += isinstance(event, DocumentStartEvent)
            if documents > 1:
                raise fault("a second document begins here; one is read. Delete it", event)
            if isinstance(event, NodeEvent):
                data = self.value(event, ())
        return data

    def value(self, event: Any, at: KeyPath) -> Any:
        """The value that begins with `event`, and stands at a path."""
        if isinstance(event, AliasEvent):
            return self.repeated(event)
        before = self.values
        self.count(1, event)
        if len(at) > DEEPEST:
            raise fault(f"nested more than {DEEPEST} levels deep", event)
        if event.anchor:
            self.open.add(event.anchor)
        if not isinstance(event, ScalarEvent) and event.tag not in COLLECTION_TAGS:
            raise unread(event)
        if isinstance(event, MappingStartEvent):
            data: Any = self.mapping(at)
        elif isinstance(event, SequenceStartEvent):
            data = self.sequence(at)
        else:
            data = self.scalar(event)
        if event.anchor:
            self.open.discard(event.anchor)
            self.anchors[event.anchor] = data, self.values - before
        return data

    def repeated(self, event: AliasEvent) -> Any:
        """A copy of what an anchor holds: a change of one must not reach the other."""
        if event.anchor in self.open:
            raise fault(f"*{event.anchor} stands inside what &{event.anchor} names", event)
        if event.anchor not in self.anchors:
            raise fault(f"*{event.anchor}: no &{event.anchor} stands above it", event)
        data, size = self.anchors[event.anchor]
        self.count(size, event)
        return copy.deepcopy(data)

    def count(self, values: int, event: Any) -> None:
        """Refuse more values than a config needs, those that aliases repeat included."""
        self.values += values
        if self.values > MOST_VALUES:
            raise fault(f"more than {MOST_VALUES:,} values, with what aliases repeat", event)

    def mapping(self, at: KeyPath) -> dict[str, Any]:
        """A mapping; `<<` brings in what its own keys do not say."""
        data: dict[str, Any] = {}
        defaults: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, CollectionEndEvent):
                break
            if not isinstance(event, ScalarEvent) or not event.value:
                raise fault("a key must be a text; if it holds {{ or [, quote it", event)
            check_characters(event)
            key, path, line = event.value, (*at, event.value), event.start_mark.line + 1
            if path in self.lines:
                first = self.lines[path]
                raise fault(f"{dotted(path)}: written twice, first on line {first}", event)
            self.lines[path] = line
            value = self.value(next(self.events), path)
            if key == "<<" and event.style is None:
                defaults = brought_in(value, event)
            else:
                data[key] = value
        return {**defaults, **data}

    def sequence(self, at: KeyPath) -> list[Any]:
        """A list."""
        data: list[Any] = []
        for event in self.events:
            if isinstance(event, CollectionEndEvent):
                break
            path = (*at, len(data))
            self.lines[path] = event.start_mark.line + 1
            data.append(self.value(event, path))
        return data

    def scalar(self, event: ScalarEvent) -> Any:
        """A text, number, boolean or null."""
        check_characters(event)
        if event.style is not None or event.tag in STRING_TAGS:
            return event.value
        if event.tag is not None:
            raise unread(event)
        try:
            return scalar(event.value)
        except ValueError as error:
            raise fault(f"{error}; quote it if it is a text", event) from None


def check_characters(event: ScalarEvent) -> None:
    """Refuse half a surrogate pair, which an escape can spell and no file can hold.

    Those by which Python writes the bytes of a file's name that is not UTF-8 may stand.
    """
    try:
        event.value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        half = ord(event.value[error.start])
        raise fault(f"half a character, U+{half:04X}; write the whole one", event) from None


def brought_in(value: Any, event: Any) -> dict[str, Any]:
    """What `<<` stands for: a mapping, or several of which the first wins."""
    mappings = value if isinstance(value, list) else [value]
    if not all(isinstance(mapping, dict) for mapping in mappings):
        raise fault("<<: expected a mapping, as in `<<: *name`", event)
    data: dict[str, Any] = {}
    for mapping in reversed(mappings):
        data |= mapping
    return data


def fault(detail: str, event: Any) -> YamlFaultError:
    """A fault where an event begins."""
    return YamlFaultError(detail, event.start_mark.line + 1, event.start_mark.column + 1)


def unread(event: Any) -> YamlFaultError:
    """A value with a tag that stands for a type of its own."""
    return fault(f"the tag {event.tag}, which is not read. Delete it", event)


def dotted(path: KeyPath) -> str:
    """A key path as people write it: phases.phase-1.labels[0]."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text
