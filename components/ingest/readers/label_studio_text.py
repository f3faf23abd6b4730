"""Which field of a Label Studio task holds the text, and what the offsets of its spans run over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import msgspec

from components.records.annotation import RawSpan
from components.records.offsets import READINGS, spelling
from components.records.problems import QuarantineError
from components.records.scripts import part_without_space

ELSEWHERE = re.compile(r"(https?|s3|gs|azure-blob|file)://\S+|/data/(upload|local-files)\S*")


class Value(msgspec.Struct):
    """The value of a result that marks a span.

    In hypertext `start` and `end` are XPaths, and globalOffsets count the visible text; in
    paragraphs they are the numbers of paragraphs, and startOffset and endOffset count inside.
    """

    start: int | str
    end: int | str
    labels: list[str] = []
    hypertextlabels: list[str] = []
    paragraphlabels: list[str] = []
    text: str | None = None
    start_offset: int | None = msgspec.field(default=None, name="startOffset")
    end_offset: int | None = msgspec.field(default=None, name="endOffset")
    overall: dict[str, int] | None = msgspec.field(default=None, name="globalOffsets")

    @property
    def names(self) -> list[str]:
        """Its labels: Label Studio lets a region have several."""
        return self.labels or self.hypertextlabels or self.paragraphlabels or [""]


def proven_key(data: dict[str, Any], values: Sequence[Value], about: set[str]) -> str:
    """The one field that all spans of a task fit; "" where none or several do.

    Args:
        about: what the results say that they are about: names in the labelling interface.
    """
    if not values:
        return ""
    known = texts(data)
    fitting = [key for key, text in known.items() if all(fits(text, v) for v in values)]
    # Every interface calls what it labels "text", whatever the field; other names mean something.
    named = [key for key in fitting if {key} == about != {"text"}]
    same = bool(fitting) and all(known[key] == known[fitting[0]] for key in fitting)
    candidates = named or sorted(fitting, key=lambda key: key != "text")
    return candidates[0] if named or same else ""


def fits(text: Any, value: Value) -> bool:
    """Whether a text can be what a span is of."""
    if value.text is not None:
        return spelling(value.text) in spelling(plain(text))
    if not isinstance(text, str) or not isinstance(value.start, int):
        return False
    end = value.end if isinstance(value.end, int) else 0
    readings = (READINGS[name](text, value.start, end) for name in ("characters", "UTF-16 units"))
    return any(place is not None and on_words(text, *place) for place in readings)


def on_words(text: str, start: int, end: int) -> bool:
    """Whether a place in a text begins and ends where words may."""
    if not 0 <= start < end <= len(text):
        return False
    edges = (text[place - 1 : place + 1] for place in (start, end))
    return not any(
        len(two) == 2 and two.isalnum() and not part_without_space(*two) for two in edges
    )


def chosen_key(data: dict[str, Any], sure: str, others: Counter[str], *, marked: bool) -> str:
    """The field that holds the text of a task.

    Args:
        sure: what the config says, or the task's own spans prove.
        others: field -> how many tasks of the file prove it.
        marked: the task has spans.

    Raises:
        QuarantineError: it is ambiguous, or the text lies elsewhere.
    """
    known = texts(data)
    links = [value for value in data.values() if is_link(value)]
    if sure or not known:
        if sure in known:
            return sure
        if links:
            raise QuarantineError("text_elsewhere", f"the text is a link: {links[0].strip()[:80]}")
        raise QuarantineError("wrong_shape", f"`data` has no text under {sure or 'any key'}")
    if len(known) == 1 and not links:
        return next(iter(known))
    if len(others) == 1 and next(iter(others)) in known:
        return next(iter(others))
    if "text" in known and not others and not (marked and len(known) > 1):
        return "text"
    if "text" in data and is_link(data["text"]):
        raise QuarantineError("text_elsewhere", f"the text is a link: {data['text'].strip()[:80]}")
    raise QuarantineError(
        "unknown_text", f"`data` has texts under {', '.join(known)}, and nothing says which counts"
    )


def is_link(value: Any) -> bool:
    """Whether a value says where a text is, instead of being one."""
    return isinstance(value, str) and ELSEWHERE.fullmatch(value.strip()) is not None


def texts(data: dict[str, Any]) -> dict[str, Any]:
    """The fields that may hold the text: strings that are no links, and lists of paragraphs."""
    return {
        key: value
        for key, value in data.items()
        if (isinstance(value, str) and not is_link(value))
        or (isinstance(value, list) and value and all(is_paragraph(one) for one in value))
    }


def is_paragraph(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str)


def plain(text: Any) -> str:
    """The text that a reader sees: of hypertext without its tags, of paragraphs one a line."""
    if isinstance(text, list):
        return "\n".join(one["text"] for one in text)
    return visible(text) if "<" in text else str(text)


def spans_over(
    field: Any, values: Sequence[Value], *, hypertext: bool
) -> tuple[str, list[RawSpan]]:
    """The text that offsets run over, and the spans, one per label.

    Args:
        hypertext: the file's spans are of hypertext.

    Raises:
        QuarantineError: offsets into hypertext or paragraphs that no text of their own proves.
    """
    if isinstance(field, list):
        return plain(field), [span for value in values for span in in_paragraphs(field, value)]
    text = plain(field) if hypertext else field
    return text, [span for value in values for span in in_text(value)]


def in_text(value: Value) -> list[RawSpan]:
    """Spans by their offsets into a text, or into the visible text of hypertext."""
    start, end = value.start, value.end
    if isinstance(start, int) and isinstance(end, int) and not in_markup(value):
        return [RawSpan(start, end, name, value.text) for name in value.names]
    if not in_markup(value):
        raise QuarantineError("bad_offsets", f"offsets must be whole numbers, not {start!r}")
    if value.text is None or not value.overall or not {"start", "end"} <= {*value.overall}:
        raise QuarantineError(
            "unproven_offsets", "a span of hypertext without globalOffsets or its own text"
        )
    return [
        RawSpan(value.overall["start"], value.overall["end"], name, value.text)
        for name in value.names
    ]


def in_paragraphs(paragraphs: Sequence[dict[str, Any]], value: Value) -> list[RawSpan]:
    """Spans by paragraph and offsets in it, as offsets into all of them, one a line."""
    first, last = (int(n) if str(n).isdecimal() else -1 for n in (value.start, value.end))
    inside = 0 <= first <= last < len(paragraphs)
    if value.text is None or value.start_offset is None or value.end_offset is None or not inside:
        raise QuarantineError(
            "unproven_offsets", "a span of paragraphs without their numbers, offsets or its text"
        )
    before = [0]
    for one in paragraphs:
        before.append(before[-1] + len(one["text"]) + 1)
    start, end = before[first] + value.start_offset, before[last] + value.end_offset
    return [RawSpan(start, end, name, value.text) for name in value.names]


def in_markup(value: Value) -> bool:
    """Whether a span is one of hypertext."""
    return value.overall is not None or str(value.start).startswith("/")


class Visible(HTMLParser):
    """Collects the text of HTML that a browser shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style", "title")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= bool(self.hidden) and tag in ("script", "style", "title")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def visible(html: str) -> str:
    """The text of HTML without its tags."""
    parser = Visible()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts)
