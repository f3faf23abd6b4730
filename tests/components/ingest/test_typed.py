"""Typed parsing against the strict parser: it may know less, but never better."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.readers.json_faults import strict_object
from components.ingest.readers.typed import LEARNT, Parser, Row, delimiters
from components.records.problems import QuarantineError
from tests.components.ingest.exports import row

# JSON as text, not as Python writes it: keys may come twice, and hide behind escapes.
GAP = st.sampled_from(["", "", "", "", " ", "\t"])
CHARACTER = st.sampled_from(
    ["a", '"', "\\", "/", "\n", "é", "\U0001f600", ":", ",", "{", "}", "t", "\ud83d"]
)
STRING = st.lists(st.tuples(CHARACTER, st.booleans())).map(
    lambda pairs: '"' + "".join(spelled(*pair) for pair in pairs) + '"'
)
KEYS = ["text", "spans", "tokens", "answer", "meta", "start", "end", "label", "id", "ws", "x"]
KEY = st.sampled_from(KEYS).flatmap(
    lambda key: st.sampled_from([f'"{key}"'] * 6 + [f'"\\u{ord(key[0]):04x}{key[1:]}"', '"\\n"'])
)
NUMBER = st.sampled_from(["0", "1", "7", "-1", "2.0", "1e3", "1e999", "9" * 30])
SCALAR = NUMBER | STRING | st.sampled_from(["true", "false", "null", "NaN", "-Infinity"])


def spelled(character: str, escaped: bool) -> str:
    if escaped or character in '"\\\n\ud83d':
        return json.dumps(character)[1:-1]
    return character


def an_array(item: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(item, max_size=3).map(lambda items: "[" + ",".join(items) + "]")


@st.composite
def an_object(draw: st.DrawFn, pairs: list[tuple[str, st.SearchStrategy[str]]]) -> str:
    """An object of these fields; some are left out, said twice or followed by others."""
    chosen = [pair for pair in pairs if draw(st.integers(0, 9))]
    extra = (
        draw(st.lists(st.tuples(KEY, SCALAR), max_size=1)) if not draw(st.integers(0, 4)) else []
    )
    twice = [pair for pair in chosen if not draw(st.integers(0, 19))]
    drawn = [(f'"{key}"', draw(value)) for key, value in [*chosen, *twice]]
    return (
        "{" + ",".join(f"{key}{draw(GAP)}:{draw(GAP)}{value}" for key, value in drawn + extra) + "}"
    )


ANY = st.recursive(
    SCALAR, lambda inner: an_array(inner) | an_object([("a", inner), ("text", inner)]), max_leaves=4
)
WORD, OFFSET = st.just('"a b"') | STRING, st.sampled_from(["0", "1", "3"]) | SCALAR
TOKEN = an_object([("text", WORD), ("start", OFFSET), ("end", OFFSET), ("id", OFFSET)])
SPAN = an_object([("start", OFFSET), ("end", OFFSET), ("label", st.just('"ORG"') | SCALAR)])
RECORD = an_object(
    [
        ("text", WORD),
        ("tokens", an_array(TOKEN) | ANY),
        ("spans", an_array(SPAN) | ANY),
        ("answer", st.sampled_from(['"accept"', "null"]) | ANY),
        ("meta", ANY),
        ("_timestamp", ANY),
    ]
)


def strict(line: bytes) -> str | None:
    """What the strict parser makes of a record; None if it refuses it."""
    try:
        return shown(msgspec.convert(strict_object(line), Row))
    except (QuarantineError, msgspec.ValidationError):
        return None


def shown(row: Row) -> str:
    """All that matters of a record, the types of its numbers too."""
    fields = {name: getattr(row, name) for name in Row.__struct_fields__}
    for name in ("spans", "tokens"):
        if fields[name] is not None:
            kind = "start", "end", "label", "text", "answer"
            fields[name] = [[getattr(each, key, None) for key in kind] for each in fields[name]]
    return repr(fields)


@settings(max_examples=200, deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=12), st.integers(1, 12))
def test_what_is_parsed_is_what_the_strict_parser_reads(records: list[str], block: int) -> None:
    parser = Parser()
    lines = [text.encode() for text in records]
    parsed = [
        each for at in range(0, len(lines), block) for each in parser.parse(lines[at : at + block])
    ]
    assert len(parsed) == len(lines)
    for each, line in zip(parsed, lines, strict=True):
        assert each is None or shown(each) == strict(line)


# Records of one shape but for what is wrong with one of them, which must not hide in the block.
PLAIN = row("Ask HMRC now", (4, 8, "ORG"), meta={"a": "b", "c": {"d": 1}})
FAULTY = [
    ('"answer"', '"answer":"accept","answer"'),
    ('"start"', '"start":1,"start"'),
    ('"start"', '"st\\u0061rt":1,"start"'),
    ('"start"', '"start" :1, "start"'),
    ('"label"', '"label":"\\\\","label"'),
    ('"d"', '"d":"\\\\\\"","d"'),
    ('"c"', '"c":{"x":[{"y":"z"}]},"c"'),
    ('"text": "Ask HMRC now"', '"text":"\\":\\"","text":"Ask HMRC now"'),
    ('"meta"', '"meta":NaN,"meta"'),
    ('"text"', '"odd":1,"odd":2,"text"'),
]


@pytest.mark.parametrize(("old", "new"), FAULTY)
@pytest.mark.parametrize("place", [0, 5, 9])
def test_a_fault_is_found_among_many(old: str, new: str, place: int) -> None:
    good = json.dumps(PLAIN)
    lines = [good.encode()] * 10
    lines[place] = good.replace(old, new, 1).encode()
    assert lines[place] != lines[place - 1]
    assert strict(lines[place]) is None
    parser = Parser()
    for _ in range(2):
        parsed = parser.parse(lines)
        assert [at for at, each in enumerate(parsed) if each is None] == [place]


def test_records_of_one_export_need_one_look() -> None:
    lines = [json.dumps(row(f"Ask HMRC {n}", (4, 8, "ORG"), meta={"n": n})) for n in range(20)]
    parser = Parser()
    parsed = parser.parse([line.encode() for line in lines])
    assert [each and shown(each) for each in parsed] == [strict(line.encode()) for line in lines]
    assert None not in parsed
    assert parser.learnt == 1


def test_records_that_are_all_different_are_parsed_too() -> None:
    records: list[dict[str, Any]] = [{"text": "a", f"field-{n}": n} for n in range(2 * LEARNT)]
    parser = Parser()
    assert all(parser.parse([json.dumps(record).encode() for record in records]))
    assert parser.learnt == LEARNT


def test_the_shape_of_most_records_is_tried_first() -> None:
    few, many = (json.dumps(row("Ask", **more)).encode() for more in ({"x": 1}, {"y": 1}))
    parser = Parser()
    for _ in range(2):
        assert all(parser.parse([few, *[many] * 5, few]))
    assert [shape.fitted for shape in parser.shapes] == [5, 2]


def test_a_shape_with_spans_takes_the_place_of_one_without() -> None:
    empty, full = (json.dumps(row("Ask HMRC", *spans)).encode() for spans in ([], [(4, 8, "ORG")]))
    parser = Parser()
    assert all(parser.parse([empty, empty, full, empty]))
    assert [shape.example for shape in parser.shapes] == [full]
    assert all(parser.parse([empty, full]))
    assert parser.learnt == 2


def test_odd_fields_and_escapes_are_parsed_at_once() -> None:
    text = 'He said "no" \\ and \u2019so\u2019'
    plain = row(text, (0, 2, "PERSON"), **{"a key": {"b": [1, "c"], "d\n": None}})
    odd = json.dumps({**plain, 'odd "key"': 1}).encode()
    parser = Parser()
    assert all(parser.parse([*[json.dumps(plain).encode()] * 3, odd]))
    assert len(parser.shapes) == 1


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(['"', "\\", "a", "\u00e9"])), st.booleans())
def test_quotes_that_are_escaped_delimit_nothing(characters: list[str], ascii_only: bool) -> None:
    text = "".join(characters)
    written = json.dumps([text, {text: text}], ensure_ascii=ascii_only)
    assert delimiters(written.encode()) == 6
