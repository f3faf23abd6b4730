"""Typed parsing against the strict parser: it may know less, but never better."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.problems import QuarantineError
from components.ingest.readers.json_faults import strict_object
from components.ingest.readers.typed import LEARNT, Parser, Row
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
@given(st.lists(RECORD, min_size=1, max_size=6))
def test_what_is_parsed_is_what_the_strict_parser_reads(records: list[str]) -> None:
    parser = Parser()
    for text in records:
        line = text.encode()
        found = parser.parse(line)
        assert found is None or shown(found) == strict(line)


def test_records_of_one_export_need_one_look() -> None:
    lines = [json.dumps(row(f"Ask HMRC {n}", (4, 8, "ORG"), meta={"n": n})) for n in range(20)]
    parser = Parser()
    found = [parser.parse(line.encode()) for line in lines]
    assert [each and shown(each) for each in found] == [strict(line.encode()) for line in lines]
    assert None not in found
    assert parser.learnt == 1


def test_records_that_are_all_different_are_parsed_too() -> None:
    parser = Parser()
    for number in range(2 * LEARNT):
        record: dict[str, Any] = {"text": "a", f"field-{number}": number}
        assert parser.parse(json.dumps(record).encode()) is not None
    assert parser.learnt == LEARNT


def test_odd_fields_and_escapes_are_parsed_at_once() -> None:
    text = 'He said "no" \\ and \u2019so\u2019'
    plain = row(text, (0, 2, "PERSON"), **{"a key": {"b": [1, "c"], "d\n": None}})
    parser = Parser()
    assert all(parser.parse(json.dumps(plain).encode()) is not None for _ in range(3))
    assert parser.parse(json.dumps({**plain, 'odd "key"': 1}).encode()) is not None
    assert len(parser.shapes) == 1
