"""The stage as a program: what it refuses, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from components.__main__ import main
from components.records.record import Answers, Span
from tests.components.split.conftest import Split
from tests.components.split.documents import document, documents
from tests.support.records import ner_record, ner_tasks

OUTPUTS = ("train-set", "dev-set", "test-set", "assignment", "split-report")


def run(tmp_path: Path, content: str, settings: str = "{}") -> int:
    source = tmp_path / "annotations.jsonl"
    source.write_text(content, encoding="utf-8")
    outputs = [f"--{name}={tmp_path}/out/{name}" for name in OUTPUTS]
    options = ["--tasks", ner_tasks(["A"]), f"--settings={settings}"]
    return main(["split", f"--annotations={source}", *options, *outputs])


def test_every_record_comes_out_once_and_unchanged(split: Callable[..., Split]) -> None:
    records = documents(500, pages=50)
    records[3].tokens = [(0, 5)]
    records[4] = ner_record("x", "Café \N{SNOWMAN}", [], meta={"a": [1, None]}, source="x:4")
    records[5].answers["ner"] = Answers(complete=False, rejected=[Span(0, 1, "A")])
    splits = split(records).splits
    after = sorted((r for each in splits.values() for r in each), key=lambda r: r.source)
    assert after == sorted(records, key=lambda r: r.source)


def test_no_records_give_empty_files(split: Callable[..., Split]) -> None:
    result = split([])
    assert result.report["documents"] == {"train": 0, "dev": 0, "test": 0}
    assert split(documents(20), previous=result.assignment).report["stability"]["known"] == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{}", ":2: not an annotation record"),
        ('{"id": "1", "text"', ":2: not an annotation record"),
        ('{"id": "1", "text": "a", "answers": {}, "split": "left"}', ":2: split is 'left'"),
    ],
)
def test_a_broken_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    good = '{"id": "1", "text": "a", "answers": {}}'
    assert run(tmp_path, f"{good}\n{line}\n") == 3
    assert f"annotations.jsonl{words}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ('{"dev": 0.5, "test": 0.5}', "leave nothing to train on"),
        ('{"group_by": "base_path"}', "group_by"),
        ('{"near_duplicates": 2}', "near_duplicates"),
        ('{"ratio": 0.1}', "ratio"),
    ],
)
def test_wrong_settings_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: str, key: str
) -> None:
    assert run(tmp_path, "", settings) == 2
    assert key in capsys.readouterr().err


def test_two_sides_are_enough_when_asked(split: Callable[..., Split]) -> None:
    records = [document(f"text {n}", ["A"], number=n) for n in range(100)]
    assert split(records, dev=0).report["documents"] == {"train": 80, "dev": 0, "test": 20}
