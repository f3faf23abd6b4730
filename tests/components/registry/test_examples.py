"""What is kept of the annotations of a model, and what a later run can say of them."""

from __future__ import annotations

from pathlib import Path

from components.records.record import Answers, Record, Span, write_records
from components.registry.examples import (
    keys_of,
    read_keys,
    relabelled,
    said_in,
    write_keys,
)
from components.report.command import annotated_otherwise


def kept(path: Path, records: list[Record]) -> Path:
    """What a model with these annotations keeps of them."""
    annotations = path.with_suffix(".jsonl")
    write_records(annotations, records)
    write_keys(path, keys_of(annotations), said_in(annotations))
    return path


def record(text: str, *spans: Span, cats: dict[str, bool] | None = None, **more: bool) -> Record:
    answers = {"ner": Answers(spans=list(spans), **more)}
    return Record(text, text, answers | ({"topic": Answers(cats=cats)} if cats else {}))


def test_known_texts_that_are_annotated_otherwise_are_counted(tmp_path: Path) -> None:
    ann, leeds, may = Span(0, 3, "PERSON"), Span(4, 9, "GPE"), Span(0, 3, "DATE")
    before = kept(
        tmp_path / "before",
        [
            record("May Leeds", ann, leeds),
            record("May again", ann),
            record("the same", leeds, cats={"tax": True, "visa": False}),
            record("gone", ann),
            record("partly", ann, complete=False),
        ],
    )
    now = kept(
        tmp_path / "now",
        [
            record("May Leeds", may),
            record("May again", may),
            record("the same", leeds, cats={"tax": False, "visa": True}),
            record("new", leeds),
            record("partly", may, complete=False),
        ],
    )
    assert relabelled(before.read_bytes(), now.read_bytes()) == {
        ("PERSON", "DATE"): 2,
        ("GPE", ""): 1,
        ("tax", "visa"): 1,
    }
    assert [(one.what, one.before, one.now) for one in annotated_otherwise(before, now)] == [
        ("Known texts: PERSON → DATE", "", "2"),
        ("Known texts: GPE → nothing", "", "1"),
        ("Known texts: tax → visa", "", "1"),
    ]


def test_a_model_that_kept_no_word_of_it_says_nothing(tmp_path: Path) -> None:
    now = kept(tmp_path / "now", [record("May", Span(0, 3, "DATE"))])
    old = tmp_path / "old"
    write_keys(old, read_keys(now.read_bytes(), "now"))
    assert b"said" not in old.read_bytes()
    assert relabelled(old.read_bytes(), now.read_bytes()) is None
    assert annotated_otherwise(old, now) == []
