"""Nothing is lost, and no span moves off its text: over arbitrary records and broken files."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.collect import Collector
from components.ingest.readers.json_faults import is_cut
from components.ingest.readers.prodigy import parse
from components.ingest.readers.typed import Parser
from components.ingest.settings import IngestSettings
from components.records.annotation import RawSpan
from components.records.offsets import READINGS, Spans
from components.records.problems import KINDS, QuarantineError
from components.records.record import Record
from components.records.sources import Copy, SourceFile
from components.records.tokens import Boundaries
from components.tasks import tasks_of
from components.tokeniser import tokenise
from tests.components.ingest.exports import LABELS, row
from tests.support.records import ner_tasks, said

# Characters that break offsets: astral, combining, white, zero-width and right-to-left ones.
TEXT = st.text(st.sampled_from("ab .,-\n\t\x00\u00a0\u200b\u00e9e\u0301\U0001f600\u05d0\ufeff"))
OFFSET = st.integers(-3, 30) | st.sampled_from([None, 2.0, "1", True, 10**30])
LABEL = st.sampled_from([*LABELS, *LABELS, "O", "B-ORG", "", "ORGG", None])
SPAN = st.fixed_dictionaries(
    {"start": OFFSET, "end": OFFSET, "label": LABEL},
    optional={"text": TEXT | st.none(), "answer": st.sampled_from(["accept", "reject", "no"])},
)
TOKEN = st.fixed_dictionaries({"start": OFFSET, "end": OFFSET}, optional={"text": TEXT})
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.just(10**400) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ANSWER = st.sampled_from(["accept"] * 5 + ["reject", "ignore", "", None])
ROW = st.fixed_dictionaries(
    {
        "text": TEXT | JSON,
        "answer": st.sampled_from(["accept"] * 5 + ["reject", "ignore", "", None]),
    },
    optional={
        "spans": st.lists(SPAN, max_size=4) | JSON,
        "tokens": st.lists(TOKEN, max_size=4) | JSON,
        "meta": JSON,
        "tags": JSON,
        "versions": JSON,
        "_annotator_id": st.sampled_from(["ada", "bob"]) | JSON,
        "_timestamp": st.integers(0, 3) | JSON,
        "_is_binary": st.booleans() | JSON,
        "_view_id": st.sampled_from(["ner", "ner_manual", "review"]) | JSON,
    },
)
SETTINGS = st.builds(
    IngestSettings,
    misaligned=st.sampled_from(["expand", "contract", "quarantine"]),
    overlap=st.sampled_from(["longest", "first", "quarantine"]),
    conflicts=st.sampled_from(["majority", "fail"]),
)


def collect(content: bytes, choice: IngestSettings) -> tuple[Collector, list[Record]]:
    """Ingest a file of these bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "export.jsonl")
        path.write_bytes(content)
        collector = Collector(tasks_of(ner_tasks(LABELS)), choice)
        collector.read([Copy(SourceFile(str(path), "auto"), path, "")])
    return collector, list(collector.finish())


def check_all(collector: Collector, records: list[Record]) -> None:
    """What must hold for any input."""
    counts = collector.counts
    assert counts.read == counts.kept + counts.skipped.total() + counts.quarantined.total()
    assert counts.kept == len(records) == len({record.id for record in records})
    assert len(collector.quarantine) == counts.quarantined.total()
    assert {kind for kind, _ in collector.problems.met} <= {*KINDS}
    for record in records:
        check_record(record)


def check_record(record: Record) -> None:
    text, tokens = record.text, record.tokens
    assert text.strip()
    assert tokens
    assert "".join(text[a:b] for a, b in tokens).replace(" ", "") == text.replace(" ", "")
    starts, ends = {a for a, _ in tokens}, {b for _, b in tokens}
    for span in [*said(record).spans, *said(record).rejected]:
        assert 0 <= span.start < span.end <= len(text)
        assert span.label in LABELS
        inside = text[span.start : span.end]
        assert inside == inside.strip()
        assert span.start in starts
        assert span.end in ends
    assert said(record).spans == sorted(said(record).spans)
    ordered = said(record).spans
    assert all(a.end <= b.start for a, b in pairwise(ordered))


@settings(max_examples=300, deadline=None)
@given(st.lists(ROW, max_size=6), SETTINGS)
def test_arbitrary_records(rows: list[Any], choice: IngestSettings) -> None:
    lines = [json.dumps(r) for r in rows]
    collector, records = collect("\n".join([*lines, ""]).encode(), choice)
    check_all(collector, records)
    assert collector.counts.read == len(rows)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes(content: bytes) -> None:
    check_all(*collect(content, IngestSettings()))


EXPORT = [
    row("HMRC wrote to Ada Lovelace.", (0, 4, "ORG"), (14, 26, "PERSON"), _input_hash=1),
    row("Ask DVLA caf\u00e9 \U0001f600 or Alan Turing", (4, 8, "ORG"), _annotator_id="ada"),
    row("No spans", spans=None, meta={"base_path": "/vat", "tags": ["test"]}),
    {
        "text": "The MacBook design",
        "spans": [
            {"start": 4, "end": 11, "text": "MacBook", "label": "ORG", "answer": "accept"},
            {"start": 0, "end": 3, "text": "The", "label": "PERSON", "answer": "reject"},
        ],
        "answer": "accept",
    },
    row("HMRC wrote to Ada Lovelace.", (0, 4, "PERSON"), _timestamp=7, answer="accept"),
]
TASK = {
    "data": {"text": "Ask HMRC"},
    "completions": [
        {
            "result": [
                {
                    "type": "labels",
                    "value": {"start": 4, "end": 7, "text": "HMRC", "labels": ["ORG"]},
                }
            ]
        }
    ],
}
FILES = {
    "prodigy": "".join(json.dumps(r) + "\n" for r in EXPORT).encode(),
    "unescaped": "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in EXPORT).encode(),
    "array": json.dumps([TASK, TASK], indent=1).encode(),
    "tasks": (json.dumps(TASK) + "\n" + json.dumps(TASK) + "\n").encode(),
    "conll": b"-DOCSTART- O\n\nHMRC B-ORG\nwrote O\n\nAda I-PERSON\nLovelace I-PERSON\n",
    "iob": b"HMRC|B-ORG wrote|O\nAda|I-PERSON Lovelace|I-PERSON\n",
}
SPLICES = [
    *(b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r\n", b"\\", b"\xff", b"\x00"),
    *(b"NaN", b"null", b"-1", b"1e999", b"\\ud800", b'"start"', b'"a":1,"a":2,', b"\x1f\x8b"),
    *("\ufeff".encode(), "\u200b\U0001f600".encode()),
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("seed", range(5))
def test_mutated_exports(name: str, seed: int) -> None:
    chance = random.Random(f"{name} {seed}")
    for _ in range(100):
        content = bytearray(FILES[name])
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(content) + 1)
            cut = chance.choice([0, 1, 1, 2, 5, 40])
            content[place : place + cut] = chance.choice(SPLICES)
        check_all(*collect(bytes(content), IngestSettings()))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans())
def test_duplicate_keys_are_never_missed(value: dict[str, Any], compact: bool) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    whole = json.dumps({"text": "a", **value}, separators=separators, allow_nan=True)
    doubled = "{" + '"twice": 1, "twice": 2' + "," + whole[1:]
    nested = whole[:-1] + ', "in": [{"twice": 1, "twice": 2}]}'
    for line in (doubled.encode(), nested.encode()):
        assert Parser().parse([line]) == [None]
        with pytest.raises(QuarantineError):
            parse(line)


def test_a_record_cut_anywhere_is_seen_to_be_cut() -> None:
    value = {"a": [True, False, None, -1.5e-7, '\u00e9\n"x'], "b": {"c": {}, "d": [[]]}}
    whole = json.dumps(value).encode()
    assert not is_cut(whole)
    assert [n for n in range(1, len(whole)) if not is_cut(whole[:n])] == []


@pytest.mark.parametrize("text", ['{"a":}', '{"a" 1}', "{} {}", '{"a":1,}', "[1 2]", "{,"])
def test_a_whole_record_with_a_mistake_is_not_cut(text: str) -> None:
    assert not is_cut(text.encode())


@settings(max_examples=300, deadline=None)
@given(TEXT, st.data())
def test_offsets_in_other_units_are_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    if start == end:
        return
    units = {
        "UTF-16 units": len("".join(text[:start]).encode("utf-16-le")) // 2,
        "UTF-8 bytes": len(text[:start].encode()),
    }
    widths = {
        "UTF-16 units": len(text[start:end].encode("utf-16-le")) // 2,
        "UTF-8 bytes": len(text[start:end].encode()),
    }
    for name, first in units.items():
        span = RawSpan(first, first + widths[name], "ORG", text[start:end])
        assert READINGS[name](text, span.start, span.end) == (start, end)
        (located,) = Spans(text, [span], None, Boundaries([])).locate()
        assert text[slice(*located)] == span.text


@settings(max_examples=300, deadline=None)
@given(TEXT, st.integers(0, 30), st.integers(1, 30))
def test_expanding_covers_and_contracting_stays_inside(text: str, start: int, width: int) -> None:
    end = min(len(text), start + width)
    if start >= end:
        return
    boundaries = Boundaries(tokenise(text, "en"))
    a, b = boundaries.expand(start, end)
    assert a <= start < end <= b
    a, b = boundaries.contract(start, end)
    assert a >= b or (start <= a < b <= end and boundaries.aligned(a, b))


def test_a_quick_look_suffices_for_plain_exports() -> None:
    lines = [json.dumps(r, separators=(",", ":")).encode() for r in EXPORT]
    assert all(Parser().parse(lines))


def test_what_comes_before_a_fault_of_the_file_is_read() -> None:
    lines = b"".join(json.dumps(r).encode() + b"\n" for r in EXPORT)
    collector, _ = collect(lines + b'{"text": "\xff"}\n', IngestSettings())
    assert collector.counts.read == len(EXPORT)
    assert "wrong_encoding" in {kind for kind, _ in collector.problems.met}
