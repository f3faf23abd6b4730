"""The stage as a whole: its outputs, its snapshot, its report, its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from tests.components.ingest.exports import ENOUGH, OUTPUTS, Ingested, row
from tests.support.records import ner_tasks

Ingest = Callable[..., Ingested]
Write = Callable[..., str]


def arguments(out: Path, **given: str) -> list[str]:
    values = {
        "store": str(out / "store"),
        "tasks": ner_tasks(["ORG", "PERSON"]),
        **{name: str(out / name) for name in OUTPUTS},
        **given,
    }
    return ["ingest", *(word for name, value in values.items() for word in (f"--{name}", value))]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tasks": '[{"name": "a", "kind": "b", "labels": ["C"]}]'}, "no such kind 'b'"),
        ({"tasks": '[{"name": "a", "kind": "no.such", "labels": ["C"]}]'}, "on PYTHONPATH"),
        ({"tasks": '[{"name": "a", "labels": ["C"], "label": 1}]'}, "label"),
        ({"tasks": '{"ORG": 1}'}, "--tasks"),
        ({"settings": '{"overlaps": "first"}'}, "overlaps"),
        ({"settings": '{"max_quarantined": 2}'}, "max_quarantined"),
        ({"settings": '{"required": ["GPE"]}'}, "ingest.required: GPE"),
    ],
)
def test_wrong_arguments(
    given: dict[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path, sources='["a.jsonl"]', **given)) == 2
    assert message in capsys.readouterr().err


def test_a_language_without_a_tokeniser(ingest_rows: Ingest, write: Write, tmp_path: Path) -> None:
    path = write([row("Ask HMRC", tokens=None)])
    settings = '{"language": "tlh"}'
    given = {"sources": json.dumps([path]), "settings": settings}
    assert main(arguments(tmp_path, **given)) == 2


def test_the_raw_input_is_kept(write: Write, ingest: Ingest) -> None:
    path = write([row(text, *spans) for text, spans in ENOUGH])
    done = ingest(path)
    copy = done.folder / "snapshot" / "000" / "export.jsonl"
    assert copy.read_bytes() == Path(path).read_bytes()
    manifest = json.loads((done.folder / "snapshot" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest[0]["copy"] == "000/export.jsonl"
    assert manifest[0]["source"] == path
    again = ingest(str(copy))
    assert [record.id for record in again.records] == [record.id for record in done.records]
    assert again.report["digest"] == done.report["digest"]


def test_same_input_same_bytes(write: Write, ingest: Ingest) -> None:
    path = write(["{", *(row(text, *spans) for text, spans in ENOUGH)])
    names = [name for name in OUTPUTS if name != "snapshot"]
    first = ingest(path)
    before = {name: (first.folder / name).read_bytes() for name in names}
    second = ingest(path)
    assert before == {name: (second.folder / name).read_bytes() for name in names}


def test_files_of_one_name_are_distinguished(write: Write, ingest: Ingest, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    paths = [write(["{"], f"{folder}/export.jsonl") for folder in ("a", "b")]
    good = write([row(text, *spans) for text, spans in ENOUGH], "good.jsonl")
    done = ingest(good, *paths)
    assert [q["source"] for q in done.quarantine] == paths


def test_the_report_starts_with_the_status(ingest_rows: Ingest) -> None:
    good = [row(f"Ask HMRC or Ada {n}", (4, 8, "ORG"), (12, 15, "PERSON")) for n in range(60)]
    done = ingest_rows(*good)
    assert done.report["status"] == "fit"
    assert done.summary.startswith("## Data: fit to train on\n")
    done = ingest_rows()
    assert done.report["status"] == "warnings"
    done = ingest_rows(row("Ask HMRC", (4, 8, "ORGG")))
    assert done.report["status"] == "unfit"
    assert done.page.index("Not fit to train on") < done.page.index("ORGG") < done.page.index("<h2")


HOSTILE = "<script>alert(1)</script> | **x** `y`\n<img src=x onerror=alert(2)>"


def test_text_from_the_data_is_escaped(ingest_rows: Ingest) -> None:
    bad = row(HOSTILE, (0, 9999, "ORG"), meta={"a": HOSTILE})
    done = ingest_rows(bad, row("Ask HMRC", (4, 8, HOSTILE)), labels=["ORG", "PERSON", "<b>A|B"])
    assert "<img" not in done.page
    assert "<script>alert" not in done.page
    assert "&lt;script&gt;alert" in done.page
    assert "<b>A" not in done.page
    assert "<script" not in done.summary
    assert "<b>" not in done.summary
    table = [text for text in done.summary.splitlines() if text.startswith("| &#60;b&#62;")]
    assert len(table) == 1
    assert table[0].count("|") == 4


def test_the_page_loads_nothing(ingest_rows: Ingest) -> None:
    page = ingest_rows().page
    assert "<svg" in page
    for attribute in ('src="http', 'href="http', "@import", "url(http"):
        assert attribute not in page


def test_lengths_and_word_pieces(ingest_rows: Ingest) -> None:
    words: list[Any] = [row("word " * 600 + str(n)) for n in range(2)]
    done = ingest_rows(*words)
    lengths, pieces = done.report["lengths"], done.report["word_pieces"]
    assert lengths["longest"] == 601
    assert sum(lengths["counts"]) == 4
    assert len(lengths["edges"]) == len(lengths["counts"]) + 1
    assert pieces == {
        "limit": 512,
        "documents_over": 2,
        "share_over": 0.5,
        "estimated": True,
    }
