"""`retrain convert-annotations`: classes of any tool come out as Prodigy rows that say the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError
from components.ingest.rewrite import Account, rewritten
from components.records.sources import Copy, SourceFile
from tests.components.ingest.test_classes import (
    ONE,
    SEVERAL,
    TAX,
    TEXT,
    choice,
    chosen,
    known,
    label_studio,
    lines,
    tasks,
    yes_or_no,
)

__all__ = ["known"]

Convert = Callable[..., tuple[list[dict[str, Any]], Account]]


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """The rows that an export is written as, and the account of its records."""

    def convert(content: bytes, name: str = "a.jsonl") -> tuple[list[dict[str, Any]], Account]:
        path = tmp_path / f"given-{name}"
        path.write_bytes(content)
        account = Account()
        copies = [Copy(SourceFile(str(path), "auto"), path, identity="")]
        return [json.loads(line) for line in rewritten(copies, account)], account

    return convert


@pytest.mark.parametrize(("name", "content"), [one[1:] for one in ONE], ids=[one[0] for one in ONE])
def test_a_class_of_several_is_the_same(
    name: str, content: bytes, convert: Convert, known: Callable[..., Any]
) -> None:
    rows, account = convert(content, name)
    assert (account.written, account.classes["TAX"]) == (1, 1)
    cats, done = known(lines(*rows), "out.jsonl")
    assert cats == TAX
    assert (done.code, done.quarantine) == (0, [])


@pytest.mark.parametrize(
    ("name", "content", "expected"), [one[1:] for one in SEVERAL], ids=[one[0] for one in SEVERAL]
)
def test_any_of_several_are_the_same(
    name: str,
    content: bytes,
    expected: dict[str, int],
    convert: Convert,
    known: Callable[..., Any],
) -> None:
    rows, _ = convert(content, name)
    cats, done = known(lines(*rows), "out.jsonl", tasks=tasks(exclusive=False))
    # What could be chosen beside what is in the file, nobody knows.
    assert cats.items() <= expected.items()
    assert {one for one in expected if expected[one]} == {one for one in cats if cats[one]}
    assert done.code == 0


def test_answers_are_what_a_question_of_label_studio_lets_choose(convert: Convert) -> None:
    made = [
        label_studio(chosen("TAX"), chosen("URGENT", name="flags")),
        label_studio(chosen("VISA"), chosen("URGENT", "ANGRY", name="flags")),
    ]
    rows, account = convert(lines(made), "a.json")
    assert (account.read, account.written, account.rows) == (2, 2, 4)
    assert [[one["id"] for one in row["options"]] for row in rows[:2]] == [
        ["TAX", "VISA"],
        ["URGENT", "ANGRY"],
    ]
    styles = [row["config"]["choice_style"] for row in rows]
    assert styles == ["single", "multiple", "single", "multiple"]
    assert [row["accept"] for row in rows] == [["TAX"], ["URGENT"], ["VISA"], ["URGENT", "ANGRY"]]
    assert {row["_view_id"] for row in rows} == {"choice"}


def test_two_questions_of_one_label_cannot_be_distinguished(convert: Convert) -> None:
    with pytest.raises(DataError, match="'flags' and 'topic' both ask for 'TAX'"):
        convert(lines([label_studio(chosen("TAX"), chosen("TAX", name="flags"))]), "a.json")


def test_yes_and_no_stay_yes_and_no(convert: Convert) -> None:
    rows, _ = convert(lines(yes_or_no("TAX", "reject"), yes_or_no("VISA", "accept")))
    assert [(row["label"], row["answer"]) for row in rows] == [
        ("TAX", "reject"),
        ("VISA", "accept"),
    ]
    rows, account = convert(lines([TEXT, {"cats": {"TAX": 0, "VISA": 0}}]))
    assert [(row["label"], row["answer"]) for row in rows] == [
        ("TAX", "reject"),
        ("VISA", "reject"),
    ]
    assert (account.written, account.rows) == (1, 2)


def test_spans_and_classes_of_one_text_are_rows_of_their_own(convert: Convert) -> None:
    span = {"start": 0, "end": 4, "label": "WORD"}
    rows, account = convert(lines(choice("TAX", spans=[span], _view_id="blocks")))
    assert [row["_view_id"] for row in rows] == ["ner_manual", "choice"]
    assert "spans" not in rows[1]
    assert (account.spans, account.classes) == ({"WORD": 1}, {"TAX": 1})
