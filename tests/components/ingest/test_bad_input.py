"""Every class of bad input: its policy, its count and where it was met first."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
import yaml
from spacy.tokens import DocBin

from components.ingest.readers import size
from components.ingest.settings import IngestSettings
from components.records.problems import KINDS
from components.settings import parse
from tests.components.ingest.exports import ENOUGH, Ingested, row
from tests.components.ingest.test_files import zipped
from tests.support.records import said

Ingest = Callable[..., Ingested]
Write = Callable[..., str]

DOCS = Path(__file__).parents[3] / "docs" / "data.md"


def line(text: str, *spans: tuple[Any, Any, Any], **more: Any) -> str:
    return json.dumps(row(text, *spans, **more))


QUARANTINED = {
    # A line as `cat` leaves it when an export was interrupted and started again.
    "not_json": '{"text":"From the next tax year","tokens":[{"text":"From","start":0,"en',
    "not_object": '["From the next tax year"]',
    "nan_literal": '{"text":"Apply online","spans":[],"answer":"accept","score":NaN}',
    "duplicate_keys": '{"text":"Apply online","spans":[],"answer":"accept","answer":"reject"}',
    "wrong_shape": '{"text":null,"spans":[],"answer":"accept"}',
    "missing_answer": line("Ask HMRC", (4, 8, "ORG"), answer=None),
    "lone_surrogate": '{"text":"caf\\ud83d","spans":[],"answer":"accept"}',
    "blank_text": line(" \n\t"),
    "bad_offsets": line("Ask HMRC", (4, 9, "ORG")),
    "span_text_differs": (
        '{"text":"Ask HMRC now","answer":"accept","spans":'
        '[{"start":0,"end":3,"label":"ORG","text":"HMRC"}]}'
    ),
}


@pytest.mark.parametrize("kind", QUARANTINED)
def test_quarantined(kind: str, ingest_rows: Ingest) -> None:
    bad = QUARANTINED[kind]
    done = ingest_rows(bad, row("A good record after it"))
    assert done.code == 0
    assert len(done.records) == 3
    assert [(q["source"], q["line"], q["reason"]) for q in done.quarantine] == [
        ("export.jsonl", 3, kind)
    ]
    kept = done.quarantine[0]["record"]
    assert kept in (bad, json.loads(bad) if kind not in ("not_json", "nan_literal") else None)
    assert done.problem(kind)["count"] == 1
    assert done.problem(kind)["first"] == ["export.jsonl:3"]
    assert done.report["records"] == {"in": 4, "kept": 3, "skipped": 0, "quarantined": 1}


@pytest.mark.parametrize(
    ("start", "end"), [(4, 4), (8, 4), (-4, 8), (4, 99), (4.0, 8), ("4", 8), (None, 8), (0, True)]
)
def test_offsets_that_cannot_be(start: Any, end: Any, ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask HMRC", (start, end, "ORG")))
    assert [q["reason"] for q in done.quarantine] == ["bad_offsets"]


def test_span_of_white_space_only(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask  HMRC", (3, 5, "ORG"), tokens=None))
    assert [q["reason"] for q in done.quarantine] == ["bad_offsets"]


def test_text_too_long(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("x" * 1_000_001, tokens=None))
    assert [q["reason"] for q in done.quarantine] == ["long_text"]


@pytest.mark.parametrize("inside", ['{"a":1,"b":2,"a":3}', '[{"c":{"d":1,"d":2}}]'])
def test_duplicate_keys_anywhere_in_the_record(inside: str, ingest_rows: Ingest) -> None:
    done = ingest_rows(f'{{"text":"Ask","answer":"accept","meta":{inside}}}')
    assert [q["reason"] for q in done.quarantine] == ["duplicate_keys"]


def test_text_that_looks_like_duplicate_keys(ingest_rows: Ingest) -> None:
    text = 'a ":" b "x": {"x": 1, "x": 2} \\": '
    done = ingest_rows(row(text), row(text + "!", meta={'k":': '":', "z": [':":', {"z": {}}]}))
    assert done.quarantine == []


STOPPED: dict[str, bytes] = {
    "cut_line": line("One").encode() + b'\n{"text":"Two","answer":"acc',
    "corrupt_file": gzip.compress(line("One").encode() * 500)[:-20],
    "wrong_encoding": '{"text":"caf\u00e9","answer":"accept"}\n'.encode("latin-1"),
    "unknown_format": b"Dear team,\nhere are the annotations.\n",
}


@pytest.mark.parametrize("kind", STOPPED)
def test_file_that_stops_the_run(
    kind: str, write: Write, ingest: Ingest, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write([row(text, *spans) for text, spans in ENOUGH])
    done = ingest(good, write(STOPPED[kind], "broken.jsonl"))
    assert done.code == 3
    assert done.records == []
    assert not (done.folder / "store").exists()
    assert done.problem(kind)["policy"] == "stop"
    error = capsys.readouterr().err
    assert "broken.jsonl" in error
    assert KINDS[kind].title in error
    assert "Traceback" not in error


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"a":' * 50_000, b"[" + b" " * 200_000])
def test_a_first_line_without_an_end_stops(content: bytes, write: Write, ingest: Ingest) -> None:
    done = ingest(write(content, "deep.json"))
    assert done.code == 3
    assert "deep.json" in done.summary


def test_file_cut_inside_a_character(write: Write, ingest: Ingest) -> None:
    text = '{"text":"caf\u00e9'.encode()[:-1]
    assert ingest(write(text)).kinds() >= {"cut_line"}


def test_last_line_without_its_end_is_fine_when_whole(write: Write, ingest: Ingest) -> None:
    rows = "\n".join(line(text, *spans) for text, spans in ENOUGH)
    assert ingest(write(rows.encode())).code == 0


def test_utf16_is_named(write: Write, ingest: Ingest, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest(write(line("One").encode("utf-16"))).code == 3
    assert "UTF-16" in capsys.readouterr().err


def test_byte_order_mark_and_windows_lines(write: Write, ingest: Ingest) -> None:
    rows = [line(text, *spans) for text, spans in ENOUGH]
    done = ingest(write(("\ufeff" + "\r\n".join(rows) + "\r\n").encode()))
    assert done.code == 0
    assert len(done.records) == 2
    assert done.problem("byte_order_mark")["policy"] == "repair"
    assert done.problem("windows_lines")["count"] == 1


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]", b"-DOCSTART- -X- O O\n"])
def test_empty_file_is_named(content: bytes, write: Write, ingest: Ingest) -> None:
    good = write([row(text, *spans) for text, spans in ENOUGH])
    done = ingest(good, write(content, "empty.jsonl"))
    assert done.code == 0
    assert done.problem("empty_file")["first"] == ["empty.jsonl"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nul", "Ask\x00 HMRC"),
        ("nbsp", "Ask\u00a0 HMRC"),
        ("zero_width", "Ask\u200b HMRC"),
        ("decomposed", "cafe\u0301 HMRC"),
    ],
)
def test_odd_characters_never_shift_offsets(kind: str, text: str, ingest_rows: Ingest) -> None:
    start = text.index("HMRC")
    done = ingest_rows(row(text, (start, start + 4, "ORG"), tokens=None))
    record = done.records[2]
    assert record.text == text
    assert [(s.start, s.end) for s in said(record).spans] == [(start, start + 4)]
    assert done.problem(kind)["policy"] == "warn"


def test_missing_tokens_are_made(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask HMRC now.", (4, 8, "ORG"), tokens=None))
    assert done.records[2].tokens == [(0, 3), (4, 8), (9, 12), (12, 13)]
    assert done.problem("missing_tokens")["policy"] == "repair"


@pytest.mark.parametrize(
    "tokens",
    [
        [{"text": "Ask", "start": 0, "end": 3}],  # ends early
        [{"text": "Asc", "start": 0, "end": 3}, {"text": "HMRC", "start": 4, "end": 8}],
        [{"text": "HMRC", "start": 4, "end": 8}, {"text": "Ask", "start": 0, "end": 3}],
        [{"text": "Ask HMRC", "start": 0, "end": 88}],
        [{"text": "Ask ", "start": 0, "end": 4}, {"text": "HMRC", "start": 4, "end": 8}],
        [{"text": "Ask", "start": 0, "end": "3"}],
        ["Ask", "HMRC"],
        [],
    ],
)
def test_tokens_that_disagree_are_replaced(tokens: list[Any], ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask HMRC", (4, 8, "ORG"), tokens=tokens))
    assert done.records[2].tokens == [(0, 3), (4, 8)]
    assert done.problem("tokens_disagree")["policy"] == "warn"


MISALIGNED = "against the Syrian-led people"


@pytest.mark.parametrize(("policy", "left"), [("expand", "Syrian-led"), ("contract", "-led")])
def test_misaligned_span_moves_to_tokens(policy: str, left: str, ingest_rows: Ingest) -> None:
    # "rian-led": off the tokens Syrian | - | led
    done = ingest_rows(row(MISALIGNED, (14, 22, "ORG")), misaligned=policy)
    span = said(done.records[2]).spans[0]
    assert MISALIGNED[span.start : span.end] == left
    assert done.problem("misaligned_span")["policy"] == "repair"


def test_misaligned_span_in_quarantine(ingest_rows: Ingest) -> None:
    done = ingest_rows(row(MISALIGNED, (14, 22, "ORG")), misaligned="quarantine")
    assert [q["reason"] for q in done.quarantine] == ["misaligned_span"]
    assert done.problem("misaligned_span")["policy"] == "quarantine"


def test_span_inside_one_token_cannot_contract(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("The HMRC", (5, 7, "ORG")), misaligned="contract")
    assert [q["reason"] for q in done.quarantine] == ["misaligned_span"]


def test_what_was_repaired_is_not_counted_with_what_was_left_out(ingest_rows: Ingest) -> None:
    rows = [row(MISALIGNED, (14, 22, "ORG")), row("The HMRC", (5, 7, "ORG"))]
    done = ingest_rows(*rows, misaligned="contract")
    counted = {(p["class"], p["policy"]): p["count"] for p in done.report["problems"]}
    assert counted["misaligned_span", "repair"] == 1
    assert counted["misaligned_span", "quarantine"] == 1


def test_white_edges_are_trimmed(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask HMRC now", (3, 9, "ORG")))
    assert [(s.start, s.end) for s in said(done.records[2]).spans] == [(4, 8)]
    assert done.problem("white_edges")["policy"] == "repair"


FLAG = "\U0001f1ec\U0001f1e7 caf\u00e9: ask HMRC now"  # 🇬🇧 is two characters and four UTF-16 units


@pytest.mark.parametrize(
    ("start", "end", "reading"),
    [
        (15, 19, "UTF-16 units"),
        (15, 18, "UTF-16 units, end included"),
        (20, 24, "UTF-8 bytes"),
        (13, 16, "characters, end included"),
    ],
)
def test_offsets_that_count_something_else(
    start: int, end: int, reading: str, ingest_rows: Ingest
) -> None:
    spans = [
        {"start": start, "end": end, "label": "ORG", "text": "HMRC"},
    ]
    done = ingest_rows(row(FLAG, spans=spans, tokens=None))
    span = said(done.records[2]).spans[0]
    assert FLAG[span.start : span.end] == "HMRC"
    assert reading in done.problem("shifted_span")["examples"][0]["detail"]


def test_one_shifted_span_tells_about_the_others_of_its_record(ingest_rows: Ingest) -> None:
    spans = [
        {"start": 15, "end": 19, "label": "ORG", "text": "HMRC"},
        {"start": 20, "end": 23, "label": "PERSON"},
    ]
    done = ingest_rows(row(FLAG, spans=spans, tokens=None))
    assert [FLAG[s.start : s.end] for s in said(done.records[2]).spans] == ["HMRC", "now"]


def test_duplicate_spans(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask HMRC", (4, 8, "ORG"), (4, 8, "ORG")))
    assert len(said(done.records[2]).spans) == 1
    assert done.problem("duplicate_span")["policy"] == "repair"


OVERLAPPING = ("Ada Lovelace Institute", (0, 12, "PERSON"), (4, 22, "ORG"))


@pytest.mark.parametrize(("policy", "left"), [("longest", "ORG"), ("first", "PERSON")])
def test_overlapping_spans(policy: str, left: str, ingest_rows: Ingest) -> None:
    done = ingest_rows(row(*OVERLAPPING), overlap=policy)
    assert [span.label for span in said(done.records[2]).spans] == [left]
    assert done.problem("overlapping_spans")["policy"] == "repair"


def test_overlapping_spans_in_quarantine(ingest_rows: Ingest) -> None:
    done = ingest_rows(row(*OVERLAPPING), overlap="quarantine")
    assert [q["reason"] for q in done.quarantine] == ["overlapping_spans"]


def test_undeclared_label_stops_with_the_nearest(
    ingest_rows: Ingest, capsys: pytest.CaptureFixture[str]
) -> None:
    done = ingest_rows(row("Ask HMRC", (4, 8, "ORGG")))
    assert done.code == 3
    error = capsys.readouterr().err
    assert "'ORGG': did you mean 'ORG'?" in error
    assert "export.jsonl:3" in error


@pytest.mark.parametrize("label", ["", "-", "O", "B-ORG", "L-PERSON", None])
def test_label_that_is_none(label: str | None, ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask HMRC", (4, 8, label)))
    assert done.code == 3
    assert done.kinds() >= {"bad_label"}


def test_declared_label_that_looks_like_a_tag(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        row("Form I-9", (5, 8, "I-9")), labels=["ORG", "PERSON", "I-9"], required=["ORG"]
    )
    assert done.code == 0


@pytest.mark.parametrize(("required", "code"), [("all", 3), (["GPE"], 3), (["ORG"], 0), ([], 0)])
def test_label_without_an_example(required: Any, code: int, ingest_rows: Ingest) -> None:
    done = ingest_rows(labels=["ORG", "PERSON", "GPE"], required=required)
    assert done.code == code
    assert done.problem("missing_label")["policy"] == ("stop" if code else "warn")
    assert done.problem("missing_label")["first"] == ["GPE"]


@pytest.mark.parametrize(("required", "code"), [("all", 3), (["ORG"], 0)])
def test_label_in_one_document(required: Any, code: int, ingest_rows: Ingest) -> None:
    done = ingest_rows(
        row("Bath and York", (0, 4, "GPE"), (9, 13, "GPE")),
        labels=["ORG", "PERSON", "GPE"],
        required=required,
    )
    assert done.code == code
    assert done.problem("single_document_label")["policy"] == ("stop" if code else "warn")


def test_few_examples(ingest_rows: Ingest) -> None:
    many = [row(f"Ask HMRC about {n}", (4, 8, "ORG")) for n in range(48)]
    done = ingest_rows(*many)
    assert done.problem("few_examples")["first"] == ["PERSON"]


def test_no_entities(write: Write, ingest: Ingest, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest(write([row("Nothing here"), row("Nor here")])).code == 3
    assert "No example of any label" in capsys.readouterr().err


def test_too_many_in_quarantine(ingest_rows: Ingest, capsys: pytest.CaptureFixture[str]) -> None:
    done = ingest_rows("{", row("Fine"), max_quarantined=0.2)
    assert done.code == 3
    assert "25.0% of the records (1 not_json)" in capsys.readouterr().err
    assert ingest_rows("{", row("Fine"), max_quarantined=0.25).code == 0


def test_several_problems_are_one_message(
    ingest_rows: Ingest, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest_rows(row("Ask HMRC", (4, 8, "ORGG")), labels=["ORG", "PERSON", "GPE"])
    error = capsys.readouterr().err
    assert error.startswith("ingest: 2 problems stop the run:\n  - ")


def test_every_class_is_explained_to_annotators() -> None:
    tables = DOCS.read_text(encoding="utf-8").split("## What each problem means")[1]
    assert {*re.findall(r"^\| `([a-z0-9_]+)` \|", tables, re.MULTILINE)} == {*KINDS}


def test_the_settings_that_annotators_are_shown_are_real() -> None:
    shown = re.findall(r"```yaml\n(ingest:\n.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    for block in shown:
        # YAML reads a date as one, and JSON has none.
        given = json.dumps(yaml.safe_load(block)["ingest"], default=str)
        assert parse(IngestSettings, given, "--settings")


def test_a_packed_file_that_unpacks_to_far_more_than_it_is_stops(
    write: Write, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gzip and a zlib stream of one byte, a thousand times as large when unpacked."""
    monkeypatch.setattr(size, "SMALL", 1 << 16)
    bombs = [
        write(gzip.compress(b'{"text": "' + b"a" * 5_000_000), "bomb.jsonl.gz"),
        write(zlib.compress(b"a" * 5_000_000), "bomb.spacy"),
    ]
    bombs.append(write(zipped(a=Path(bombs[0]).read_bytes()), "bomb.zip"))
    bombs.append(write(zipped(a=b"a" * 5_000_000), "flat.zip"))
    for bomb in bombs:
        done = ingest(bomb)
        assert done.code == 3
        [first] = done.problem("unpacks_too_far")["first"]
        assert first == Path(bomb).name + ("/a" if "bomb.zip" in bomb else "")
        assert "max_unpacked" in done.summary


def test_a_record_over_the_limit_stops_at_its_line(write: Write, ingest: Ingest) -> None:
    good = [row(text, *spans) for text, spans in ENOUGH]
    text = "".join(json.dumps(one) + "\n" for one in [*good, row("a" * 3000)]).encode()
    for name in ("lines.jsonl", "lines.jsonl.gz"):
        done = ingest(
            write(gzip.compress(text) if name.endswith("gz") else text, name), max_record=2000
        )
        assert done.code == 3
        assert done.problem("long_record")["first"] == [f"{name}:3"]
        assert "= 2,000 bytes" in done.summary
    done = ingest(write(zipped(x=text[:9], y=text), "lines.zip"), max_record=2000)
    assert done.problem("long_record")["first"] == ["lines.zip/y:3"]
    brat = {"a.ann": "T1\tPER 0 3\tAda\n", "a.txt": "Ada\n" + "a" * 3000}
    done = ingest(write(zipped(**brat), "brat.zip"), max_record=2000)
    assert done.problem("long_record")["first"] == ["brat.zip/a.txt:2"]
    array = write(json.dumps([*good, row("a" * 3000)]).encode(), "array.json")
    assert ingest(array, max_record=2000).problem("long_record")["first"] == ["array.json:3"]
    whole = write(json.dumps([row("word " * 100)] * 100).encode(), "whole.json")
    assert ingest(whole, max_record=1000).problem("long_record")["first"] == ["whole.json:1"]
    assert ingest(write([*good], "fine.jsonl"), max_record=2000).code == 0


def packed_docs(change: Callable[[dict[str, Any]], None]) -> bytes:
    """A DocBin of two good documents, with something in it changed."""
    nlp = spacy.blank("en")
    docs = DocBin()
    for text, spans in ENOUGH:
        doc = nlp.make_doc(text)
        doc.set_ents([doc.char_span(start, end, label) for start, end, label in spans])
        docs.add(doc)
    content = srsly.msgpack_loads(zlib.decompress(docs.to_bytes()))
    change(content)
    return zlib.compress(srsly.msgpack_dumps(content))


def column(content: dict[str, Any], name: str, value: int) -> None:
    attributes = content["attrs"]
    tokens = np.frombuffer(content["tokens"], dtype="uint64").copy()
    place = attributes.index(spacy.attrs.IDS[name])
    tokens.reshape(-1, len(attributes))[:, place] = value
    content["tokens"] = tokens.tobytes()


DAMAGE: dict[str, Callable[[dict[str, Any]], None]] = {
    "a label that it does not hold": lambda c: column(c, "ENT_TYPE", 7_777_777),
    "a word that it does not hold": lambda c: column(c, "ORTH", 7_777_777),
    "a tag of no scheme": lambda c: column(c, "ENT_IOB", 9),
    "no strings": lambda c: c.update(strings=[]),
    "fewer spaces than tokens": lambda c: c.update(spaces=c["spaces"][1:]),
    "tokens cut": lambda c: c.update(tokens=c["tokens"][:-8]),
    "a negative length": lambda c: c.update(lengths=np.array([-2, 9], "int32").tobytes()),
    "a length too many": lambda c: c.update(lengths=c["lengths"] + c["lengths"][:4]),
    "no lengths": lambda c: c.pop("lengths"),
    "attributes of another kind": lambda c: c.update(attrs="abc"),
    "fewer cats than documents": lambda c: c.update(cats=c["cats"][1:]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_docbin_stops(damage: str, write: Write, ingest: Ingest) -> None:
    done = ingest(write(packed_docs(DAMAGE[damage]), "export.spacy"))
    assert done.code == 3
    assert "not a whole spaCy DocBin" in done.summary


def test_a_docbin_packed_alike_but_whole_is_read(write: Write, ingest: Ingest) -> None:
    assert ingest(write(packed_docs(lambda _content: None), "export.spacy")).code == 0
