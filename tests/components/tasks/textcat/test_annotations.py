"""What rows of labelling tools say of each class, and what becomes of several on one text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.ingest.readers import labelstudio, prodigy
from components.ingest.settings import IngestSettings
from components.records.annotation import Annotation
from components.records.problems import Note, QuarantineError
from components.records.record import Answers
from components.records.sources import SourceFile
from components.records.tokens import Boundaries
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings

LABELS = ["TAX", "VISA", "OTHER"]
OPTIONS = [{"id": label, "text": label.title()} for label in LABELS]


def topic(**own: Any) -> Task:
    return task_of(
        TaskSettings.model_validate({"name": "topic", "kind": "textcat", "labels": LABELS, **own})
    )


def row(**fields: Any) -> Annotation:
    line = json.dumps({"text": "When is it due?", "answer": "accept", **fields}).encode()
    (item,) = prodigy.read_items("a.jsonl", [(1, line)], SourceFile("a.jsonl", "auto"))
    assert isinstance(item, Annotation)
    return item


def said(task: Task, annotation: Annotation) -> tuple[dict[str, bool] | None, list[Note]]:
    answers, notes = task.checker(IngestSettings())(annotation, Boundaries([]))
    return (None if answers is None else answers.cats), notes


def choice(*accept: str, **fields: Any) -> Annotation:
    return row(options=OPTIONS, accept=list(accept), _view_id="choice", **fields)


def test_one_choice_makes_the_others_wrong() -> None:
    assert said(topic(), choice("TAX"))[0] == {"TAX": True, "VISA": False, "OTHER": False}


def test_of_any_of_several_only_the_options_of_the_row_are_known() -> None:
    flags = topic(exclusive=False)
    assert said(flags, choice("TAX", "VISA"))[0] == {"TAX": True, "VISA": True, "OTHER": False}
    asked = row(options=OPTIONS[:2], accept=[])
    assert said(flags, asked)[0] == {"TAX": False, "VISA": False}


def test_nothing_chosen_is_no_answer_where_one_is_asked() -> None:
    with pytest.raises(QuarantineError) as problem:
        said(topic(), choice())
    assert problem.value.kind == "no_choice"
    with pytest.raises(QuarantineError) as problem:
        said(topic(), choice("TAX", "VISA"))
    assert problem.value.kind == "several_choices"


def test_a_rejected_choice_says_what_the_text_is_not() -> None:
    assert said(topic(), choice("TAX", answer="reject"))[0] == {"TAX": False}
    cats, (note,) = said(topic(exclusive=False), choice("TAX", "VISA", answer="reject"))
    assert (cats, note.kind) == (None, "rejected_choice")


def test_a_yes_or_no_question_is_about_its_label_alone() -> None:
    flags = topic(exclusive=False)
    assert said(flags, row(label="TAX"))[0] == {"TAX": True}
    assert said(flags, row(label="TAX", answer="reject"))[0] == {"TAX": False}
    assert said(topic(), row(label="TAX"))[0] == {"TAX": True, "VISA": False, "OTHER": False}


def test_a_row_of_another_task_says_nothing() -> None:
    assert said(topic(), row(spans=[{"start": 0, "end": 4, "label": "TAX"}])) == (None, [])
    assert said(topic(), row(options=[{"id": "URGENT"}], accept=["URGENT"])) == (None, [])


def test_a_label_that_is_not_declared_is_noted_and_one_that_is_dropped_is_not() -> None:
    cats, (note,) = said(topic(), row(options=[*OPTIONS, {"id": "VISAS"}], accept=["VISAS"]))
    assert (cats, note.kind) == (None, "undeclared_label")
    assert "VISA" in note.detail


def test_choices_of_label_studio_are_distinguished_by_the_name_of_the_question() -> None:
    task = {
        "data": {"text": "When is it due?"},
        "annotations": [
            {
                "result": [
                    {"from_name": "topic", "type": "choices", "value": {"choices": ["TAX"]}},
                    {"from_name": "tone", "type": "choices", "value": {"choices": ["OTHER"]}},
                    {
                        "id": "r1",
                        "from_name": "ents",
                        "type": "labels",
                        "value": {"start": 0, "end": 4, "text": "When", "labels": ["DATE"]},
                    },
                    # Shares the id of a region: a status of the entity, and none of the text.
                    {
                        "id": "r1",
                        "from_name": "topic",
                        "type": "choices",
                        "value": {"choices": ["VISA"]},
                    },
                ]
            }
        ],
    }
    (item,) = labelstudio.read_items(
        "a.json", [(1, json.dumps(task).encode())], SourceFile("a.json", "auto")
    )
    assert isinstance(item, Annotation)
    asked = topic(question="topic", exclusive=True)
    assert said(asked, item)[0] == {"TAX": True, "VISA": False, "OTHER": False}


def answers(*cats: dict[str, bool]) -> list[Answers]:
    return [Answers(cats=each, complete=len(each) == len(LABELS)) for each in cats]


def test_annotators_vote_and_the_newest_decides_a_tie() -> None:
    one, other = ({label: label == chosen for label in LABELS} for chosen in ("TAX", "VISA"))
    merge = topic().merge
    assert merge("", Boundaries([]), answers(one, other, one), 2).cats == one
    assert merge("", Boundaries([]), answers(one, other), 1).cats == other


def test_answers_about_one_label_each_are_put_together() -> None:
    merged, contradicted = topic().merge_partial(
        "", Boundaries([]), answers({"TAX": False}, {"VISA": False})
    )
    assert merged.cats == {"TAX": False, "VISA": False, "OTHER": True}
    assert (merged.complete, contradicted) == (True, 0)
    merged, contradicted = topic().merge_partial(
        "", Boundaries([]), answers({"TAX": False}, {"TAX": True})
    )
    assert (merged.cats["TAX"], contradicted) == (True, 1)
    merged, contradicted = topic().merge_partial(
        "", Boundaries([]), answers(*({label: False} for label in LABELS))
    )
    assert (merged.cats, contradicted) == ({"OTHER": False}, 1)
    merged, _ = topic(exclusive=False).merge_partial(
        "", Boundaries([]), answers({"TAX": True}, {"VISA": False})
    )
    assert (merged.cats, merged.complete) == ({"TAX": True, "VISA": False}, False)


def test_one_label_alone_is_yes_or_no() -> None:
    with pytest.raises(Exception, match="exclusive: false"):
        task_of(TaskSettings.model_validate({"name": "t", "kind": "textcat", "labels": ["A"]}))
