"""Every format, told apart by its content, gives the same records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin

from components.__main__ import main
from components.ingest.readers.detect import READERS
from components.records.keys import text_id
from components.records.record import Span, write_records
from components.records.sources import COMPANIONS
from tests.components.ingest.exports import ENOUGH, Ingested, row
from tests.components.ingest.test_exports import EXPORTS
from tests.support.records import ner_record, ner_tasks, said

Ingest = Callable[..., Ingested]
Write = Callable[..., str]


TOKENS = [
    [(0, 4), (5, 10), (11, 13), (14, 17), (18, 26)],
    [(0, 3), (4, 8), (9, 11), (12, 16), (17, 23)],
]


def prodigy() -> bytes:
    return "".join(json.dumps(row(text, *spans)) + "\n" for text, spans in ENOUGH).encode()


def prodigy_array() -> bytes:
    return json.dumps([row(text, *spans) for text, spans in ENOUGH], indent=1).encode()


def labelled(text: str, spans: list[tuple[int, int, str]], last: int = 0) -> list[dict[str, Any]]:
    """Results of one annotator; `last` is what an older version took off the end."""
    return [
        {
            "type": "labels",
            "from_name": "ner",
            "to_name": "text",
            "value": {"start": a, "end": b - last, "text": text[a:b], "labels": [label]},
        }
        for a, b, label in spans
    ]


def label_studio() -> bytes:
    tasks = [
        {
            "id": number,
            "data": {"text": text, "base_path": "/vat"},
            "annotations": [{"result": labelled(text, spans), "completed_by": {"email": "a@b"}}],
            "predictions": [],
        }
        for number, (text, spans) in enumerate(ENOUGH)
    ]
    return json.dumps(tasks, indent=2).encode()


def old_label_studio() -> bytes:
    """Before version 1: `completions`, and the end offset of the last character."""
    tasks = [
        {"data": {"text": text}, "completions": [{"result": labelled(text, spans, last=1)}]}
        for text, spans in ENOUGH
    ]
    return "\n".join(map(json.dumps, tasks)).encode()


def conll() -> bytes:
    return (
        b"-DOCSTART- -X- -X- O\n\nHMRC NNP B-NP B-ORG\nwrote VB O O\nto IN O O\n"
        b"Ada NNP B-NP B-PERSON\nLovelace NNP I-NP I-PERSON\n\n"
        b"Ask VB O O\nDVLA NNP B-NP I-ORG\nor CC O O\nAlan NNP B-NP I-PERSON\n"
        b"Turing NNP I-NP I-PERSON\n"
    )


def tabs_biluo() -> bytes:
    return (
        b"HMRC\tU-ORG\nwrote\tO\nto\tO\nAda\tB-PERSON\nLovelace\tL-PERSON\n\n"
        b"Ask\tO\nDVLA\tS-ORG\nor\tO\nAlan\tB-PERSON\nTuring\tE-PERSON\n"
    )


def iob() -> bytes:
    return (
        b"HMRC|NNP|B-ORG wrote|VB|O to|IN|O Ada|NNP|B-PERSON Lovelace|NNP|I-PERSON\n"
        b"Ask|O DVLA|I-ORG or|O Alan|I-PERSON Turing|I-PERSON\n"
    )


def docbin() -> bytes:
    nlp = spacy.blank("en")
    store = DocBin()
    for text, spans in ENOUGH:
        doc = nlp(text)
        doc.ents = [doc.char_span(a, b, label) for a, b, label in spans]
        store.add(doc)
    return bytes(store.to_bytes())


FORMATS = {
    "prodigy": [prodigy, prodigy_array],
    "labelstudio": [label_studio, old_label_studio],
    "conll": [conll, tabs_biluo],
    "iob": [iob],
    "docbin": [docbin],
}
CASES = [(name, make) for name, makers in FORMATS.items() for make in makers]


@pytest.mark.parametrize(("name", "make"), CASES)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_all_formats_agree(
    name: str, make: Callable[[], bytes], packed: bool, named: bool, write: Write, ingest: Ingest
) -> None:
    content = gzip.compress(make()) if packed else make()
    done = ingest(write(content, "export"), file_format=name if named else "auto")
    assert done.code == 0
    texts = [(r.text, [(s.start, s.end, s.label) for s in said(r).spans]) for r in done.records]
    assert texts == ENOUGH
    assert [record.tokens for record in done.records] == TOKENS


def test_every_reader_is_tested() -> None:
    of_files = {"csv", "webanno", "brat", *COMPANIONS}  # in test_files.py
    assert {*FORMATS} | {name for name, _ in EXPORTS} | of_files == {*READERS}


def test_a_damaged_first_line_does_not_hide_the_format(write: Write, ingest: Ingest) -> None:
    done = ingest(write(b'e":"accept"}\n' + prodigy() + b"stray O\n"))
    assert len(done.records) == 2
    assert [q["reason"] for q in done.quarantine] == ["not_json", "not_json"]


def test_many_files_make_a_short_page(write: Write, ingest: Ingest, tmp_path: Path) -> None:
    for number, (text, spans) in enumerate(ENOUGH * 15):
        write([row(text, *spans)], f"{number:02}.jsonl")
    done = ingest(str(tmp_path / "*.jsonl"))
    assert len(done.report["sources"]) == 30
    assert "and from 10 more files" in done.page


def test_inclusive_ends_are_reported(write: Write, ingest: Ingest) -> None:
    done = ingest(write(old_label_studio()))
    example = done.problem("shifted_span")["examples"][0]
    assert example["detail"] == "offsets count characters, end included"


def test_one_task_over_several_lines(write: Write, ingest: Ingest) -> None:
    task = json.loads(label_studio())[0]
    done = ingest(write(json.dumps(task, indent=2).encode()), required=[])
    assert done.records[0].text == ENOUGH[0][0]


def test_label_studio_says_who_when_and_whether_it_counts(write: Write, ingest: Ingest) -> None:
    text, spans = ENOUGH[0]
    work = labelled(text, spans)
    task = {
        "data": {"body": text, "page": 7},
        "meta": {"tags": ["test"]},
        "annotations": [
            {"result": [], "completed_by": 1, "updated_at": "2025-03-01T10:00:00Z"},
            {"result": work, "completed_by": 2, "ground_truth": True},
            {"result": work, "was_cancelled": True},
            {"result": [{"type": "choices", "value": {"choices": ["Spam"]}}]},
        ],
    }
    done = ingest(write([task, {"data": {"text": "Not yet"}, "annotations": []}]), required=[])
    (record,) = done.records
    assert record.text == text
    assert len(said(record).spans) == 2
    assert record.split == "test"
    assert record.meta == {"page": 7, "tags": ["test"]}
    assert done.report["skipped"] == {
        "answer: ignore": 1,
        "task without an annotation": 1,
        "another annotation was reviewed": 2,
    }


def test_label_studio_spans_without_text_are_doubted(write: Write, ingest: Ingest) -> None:
    tasks = json.loads(label_studio())
    del tasks[0]["annotations"][0]["result"][0]["value"]["text"]
    assert ingest(write(json.dumps(tasks).encode())).kinds() >= {"offsets_unverified"}


@pytest.mark.parametrize(
    "value",
    [{"start": "/div[1]", "end": "/p", "labels": ["ORG"]}, {"labels": ["ORG"]}, None, 7],
)
def test_label_studio_values_of_another_shape(value: Any, write: Write, ingest: Ingest) -> None:
    tasks = json.loads(label_studio())
    tasks[0]["annotations"][0]["result"][0]["value"] = value
    done = ingest(write(json.dumps(tasks).encode()), required=[])
    assert {q["reason"] for q in done.quarantine} <= {
        "bad_offsets",
        "wrong_shape",
        "unproven_offsets",
    }
    assert done.report["records"]["quarantined"] == 1


def test_label_studio_file_that_is_cut(write: Write, ingest: Ingest) -> None:
    done = ingest(write(label_studio()[:-30]))
    assert done.code == 3
    assert done.kinds() >= {"cut_line"}


@pytest.mark.parametrize("export", [conll, tabs_biluo, iob])
def test_file_of_tags_cut_inside_a_word_or_its_tag(
    export: Callable[[], bytes], write: Write, ingest: Ingest
) -> None:
    """Stopped wherever it is cut inside the last word's cells; whole, it needs no line end."""
    whole = export().rstrip(b"\n")
    start = max(whole.rfind(b"\n"), whole.rfind(b" Turing")) + 1
    assert ingest(write(whole)).code == 0
    for end in range(start + 1, len(whole)):
        done = ingest(write(whole[:end]))
        assert done.code == 3, whole[start:end]
        # A label that lost its end is another label.
        assert done.kinds() & {"cut_line", "undeclared_label"}
    assert ingest(write(whole[: start + 3])).kinds() >= {"cut_line"}


def test_documents_of_conll_are_kept_together(write: Write, ingest: Ingest) -> None:
    done = ingest(write(conll()))
    assert {record.meta["document"] for record in done.records} == {"export.jsonl:1"}


@pytest.mark.parametrize("line", ["HMRC", "HMRC X-ORG"])
def test_conll_line_without_a_tag(line: str, write: Write, ingest: Ingest) -> None:
    done = ingest(write(conll() + f"\n{line}\n".encode()))
    assert [(q["line"], q["reason"]) for q in done.quarantine] == [(15, "wrong_shape")]


def test_docbin_with_missing_and_incorrect_entities(write: Write, ingest: Ingest) -> None:
    nlp = spacy.blank("en")
    partial, bare = nlp("Ask HMRC today"), nlp("Nothing is known")
    partial.set_ents([partial[1:2]], default="missing")
    partial.set_ents([spacy.tokens.Span(partial, 1, 2, "ORG")], default="missing")
    partial.spans["incorrect_spans"] = [spacy.tokens.Span(partial, 2, 3, "PERSON")]
    partial.user_data = {"page": "/vat", ("._.", "x", None, None): 1, "vector": np.zeros(2)}
    store = DocBin(docs=[partial, bare], store_user_data=True)
    done = ingest(write(store.to_bytes(), "a.spacy"), required=[])
    (record,) = done.records
    assert not said(record).complete
    assert [(s.start, s.end, s.label) for s in said(record).spans] == [(4, 8, "ORG")]
    assert [(s.start, s.end, s.label) for s in said(record).rejected] == [(9, 14, "PERSON")]
    assert record.meta == {"page": "/vat"}
    assert done.report["skipped"] == {"document without entities, spans or classes": 1}


def test_what_a_teacher_answered_is_not_read_as_an_annotation(write: Write, ingest: Ingest) -> None:
    nlp = spacy.blank("en")
    gold, silver = nlp("Ask HMRC today"), nlp("Ask DVLA today")
    for doc in (gold, silver):
        doc.set_ents([spacy.tokens.Span(doc, 1, 2, "ORG")])
    silver.user_data = {"id": "1", "start": 0, "meta": {}, "silver": "big 3"}
    store = DocBin(docs=[gold, silver], store_user_data=True)
    done = ingest(write(store.to_bytes(), "a.spacy"), required=[])
    assert [record.text for record in done.records] == ["Ask HMRC today"]
    assert done.report["skipped"] == {"document that a model answered, and no annotator": 1}


def test_docbin_that_convert_wrote_gives_its_records_back(
    write: Write, ingest: Ingest, tmp_path: Path
) -> None:
    """With meta, so that grouping and selection find it; windows become one document again."""
    text = "Ask HMRC today.  Then ask Ada Lovelace, or write to DVLA and wait for an answer."
    spans = [Span(4, 8, "ORG"), Span(26, 38, "PERSON"), Span(52, 56, "ORG")]
    meta = {"page": "/vat", "at": {"section": ["a", 2, None]}, "split": "test"}
    given = [
        ner_record(text_id(text), text, spans, meta=meta),
        ner_record(
            text_id("Ask DVLA"), "Ask DVLA", [], complete=False, rejected=[Span(0, 3, "ORG")]
        ),
        ner_record(text_id(text[4:]), text[4:], [Span(0, 4, "ORG")], meta={"kind": "draft"}),
    ]
    nothing = tmp_path / "nothing.jsonl"
    write_records(nothing, [])
    write_records(tmp_path / "records.jsonl", given)
    sets = [f"--{split}-set={nothing}" for split in ("dev", "test")]
    corpora = [f"--{split}-corpus={tmp_path / split}" for split in ("train", "dev", "test")]
    source, report = (f"{tmp_path}/{name}" for name in ("records.jsonl", "report.json"))
    files = [*sets, *corpora, f"--train-set={source}", f"--convert-report={report}"]
    options = ["--tasks", ner_tasks(["A"]), '--settings={"window_words": 4}']
    assert main(["convert", *options, *files]) == 0
    select = {"exclude": {"meta.kind": ["draft"]}}
    done = ingest(str(tmp_path / "train/00000.spacy"), required=[], select=select)
    assert done.report["skipped"] == {"exclude: meta.kind": 1}
    kept = [
        (one.id, one.text, said(one).spans, one.meta, said(one).complete) for one in done.records
    ]
    assert kept == [
        (one.id, one.text, said(one).spans, one.meta, said(one).complete) for one in given[:2]
    ]
    assert [one.split for one in done.records] == ["test", ""]
    assert said(done.records[1]).rejected == said(given[1]).rejected


def test_docbin_that_is_cut(write: Write, ingest: Ingest) -> None:
    done = ingest(write(docbin()[:-40], "a.spacy"))
    assert done.code == 3
    assert done.kinds() >= {"corrupt_file"}


def test_globs_are_read_in_order_and_once(write: Write, ingest: Ingest, tmp_path: Path) -> None:
    for name, text in (("b", "B"), ("a", "A")):
        write([row(f"{text} HMRC", (2, 6, "ORG"))], f"{name}.jsonl")
    done = ingest(str(tmp_path / "b.jsonl"), str(tmp_path / "*.jsonl"), labels=["ORG"], required=[])
    assert [record.source for record in done.records] == ["b.jsonl:1", "a.jsonl:1"]
