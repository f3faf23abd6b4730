"""`retrain init` finds every task of an export, says what it took for what, and guesses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.tasks.base import TaskSettings
from pipelines.cli.init import REMARKS, write_first
from pipelines.config.load import load
from pipelines.config.scaffold import first_config

TEXT = "No fever, marked cough"
FEVER, COUGH = (3, 8), (17, 22)
Tasks = dict[str, dict[str, Any]]
Init = Callable[..., tuple[Tasks, list[str], str]]


@pytest.fixture
def init(tmp_path: Path) -> Init:
    """The tasks that a first config has, its remarks, and which training config it names."""

    def init(records: list[dict[str, Any]], suffix: str = "jsonl") -> tuple[Tasks, list[str], str]:
        export, config = tmp_path / f"export.{suffix}", tmp_path / "my.yaml"
        lines = "".join(json.dumps(one) + "\n" for one in records)
        export.write_text(json.dumps(records) if suffix == "json" else lines, encoding="utf-8")
        text = first_config([export], tmp_path)
        config.write_text(text, encoding="utf-8")
        (phase,) = load(config).pipeline.phases.values()
        tasks = {task.name: told(task) for task in phase.all_tasks}
        remarks = [line[2:] for line in text.splitlines() if line.startswith(REMARKS)]
        return tasks, remarks, phase.train.config

    return init


def told(task: TaskSettings) -> dict[str, Any]:
    """What a config says of a task, without what is the default."""
    usual = {"weight": 1.0, "balance": 0.5, "precision": 0.0, "recall": 0.95}
    return {
        key: value
        for key, value in task.model_dump().items()
        if value not in ("", None) and usual.get(key) != value and key != "name"
    }


def row(*spans: tuple[tuple[int, int], dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A row of ner.manual whose spans have keys of their own."""
    marked = [{"start": a, "end": b, "label": "FINDING"} | keys for (a, b), keys in spans]
    return {"text": TEXT, "spans": marked, "_view_id": "ner_manual", "answer": "accept", **more}


def regions(*marks: tuple[int, int, str], choices: Any = ()) -> dict[str, Any]:
    """A task of Annotation Lab or Label Studio: regions, and (region or "", question, choices)."""
    results: list[dict[str, Any]] = [
        {
            "id": f"r{number}", "type": "labels", "from_name": "label", "to_name": "text",
            "value": {"start": a, "end": b, "text": TEXT[a:b], "labels": [label]},
        }
        for number, (a, b, label) in enumerate(marks)
    ] + [
        {
            "id": region or f"c{question}", "type": "choices", "from_name": question,
            "to_name": "text", "value": {"choices": said},
        }
        for region, question, said in choices
    ]  # fmt: skip
    return {"data": {"text": TEXT}, "annotations": [{"result": results}]}


ENTITIES = {"kind": "ner", "labels": ["FINDING"]}
OF = {"kind": "assertion", "of": "entities"}


def test_a_key_of_spans_is_a_status(init: Init) -> None:
    absent, present = {"assertion": "absent"}, {"assertion": "present"}
    tasks, remarks, config = init([row((FEVER, absent), (COUGH, present))] * 4)
    status = {**OF, "labels": ["absent", "present"], "key": "assertion"}
    assert tasks == {"entities": ENTITIES, "status": status}
    assert config == "minilm-tasks"
    assert remarks == [
        "Taken for the status of entities: the key 'assertion' of spans (absent 4, present 4)."
    ]


def test_entities_that_nobody_marked_have_a_status_that_wants_a_name(init: Init) -> None:
    """Of a key with one value, which would else be every entity's, and of several."""
    tasks, remarks, _ = init([row((FEVER, {"negated": True}), (COUGH, {}))] * 4)
    assert tasks["negated"] == {
        **OF, "labels": ["true", "unmarked"], "key": "negated", "default": "unmarked",
    }  # fmt: skip
    assert remarks[1] == (
        "Of the key 'negated' of spans, 4 of 8 entities have none: taken for a status of their "
        "own, called unmarked."
    )
    tasks, remarks, _ = init([row((FEVER, {"assertion": "present"}), (COUGH, {}))] * 4)
    assert tasks["status"]["labels"] == ["present", "unmarked"]
    both = [row((FEVER, {"x": one}), (COUGH, {})) for one in ("absent", "present")]
    tasks, remarks, _ = init(both * 4)
    assert tasks["x"] == {**OF, "labels": ["absent", "present"], "key": "x"}
    assert remarks[1].endswith("If they are present, add `default: present`.")


def test_keys_that_are_no_status_are_left_out_by_name(init: Init) -> None:
    rows = [
        row((FEVER, {"note": f"note {number}", "score": 0.5, "sure": 0.9, "same": "x"}))
        for number in range(12)
    ]
    tasks, remarks, config = init(rows)
    assert (tasks, config) == ({"ner": ENTITIES}, "minilm-tokens")
    assert remarks == [
        "Left out: the key 'note' of spans: it has 12 different values.",
        "Left out: the key 'sure' of spans: its values are no labels.",
        "Left out: the key 'same' of spans: all say x, nothing to learn.",
    ]


def test_regions_over_those_of_entities_are_statuses(init: Init) -> None:
    """By their names; one without such a name by lying only over entities that have no other."""
    tasks, remarks, _ = init(
        [
            regions((*FEVER, "SIGN"), (0, 8, "Absent"), (*COUGH, "SYMPTOM"), (*COUGH, "Ordered")),
            regions((*FEVER, "SYMPTOM"), (*FEVER, "Past"), (*COUGH, "SIGN"), (*COUGH, "Absent")),
        ]
        * 3,
        "json",
    )
    assert tasks == {
        "entities": {"kind": "ner", "labels": ["SIGN", "SYMPTOM"]},
        "status": {**OF, "labels": ["Absent", "Ordered", "Past"], "key": "assertion"},
    }
    assert remarks == [
        "Taken for the status of entities: the regions labelled Absent, Ordered, Past (Absent 6, "
        "Ordered 3, Past 3), which lie over those of other labels; if not, kind spans, with all "
        "labels."
    ]


def test_regions_that_may_be_anything_are_spans(init: Init) -> None:
    """Where nothing is called as a status, or that lies elsewhere, or entities overlap."""
    nested = regions((*FEVER, "FINDING"), (0, 8, "PHRASE"))
    tasks, remarks, _ = init([nested] * 3, "json")
    assert (tasks["spans"]["kind"], remarks) == ("spans", [])
    elsewhere = regions((*FEVER, "FINDING"), (*COUGH, "Past"))
    tasks, remarks, _ = init([elsewhere, nested], "json")
    assert tasks["spans"]["labels"] == ["FINDING", "PHRASE", "Past"]
    three = regions((*FEVER, "FINDING"), (0, 8, "PHRASE"), (*FEVER, "Absent"))
    tasks, remarks, _ = init([three] * 3, "json")
    assert tasks["spans"]["labels"] == ["Absent", "FINDING", "PHRASE"]
    assert remarks[0].startswith("Left out: that Absent may be the status of other spans")


def test_choices_of_regions_are_a_status_and_others_a_task_for_each_question(init: Init) -> None:
    records = [
        regions(
            (*FEVER, "FINDING"),
            choices=[
                ("r0", "certainty", [sure]),
                ("", "topic", [topic]),
                ("", "Flags!", flags),
                ("", "language", ["en"]),
            ],
        )
        for sure, topic, flags in (
            ("sure", "lungs", ["urgent", "long"]),
            ("unsure", "heart", ["long"]),
        )
    ]
    tasks, remarks, config = init(records * 3, "json")
    assert tasks == {
        "entities": ENTITIES,
        "certainty": {**OF, "labels": ["sure", "unsure"], "key": "certainty"},
        "topic": {
            "kind": "textcat", "exclusive": True, "labels": ["heart", "lungs"], "question": "topic",
        },
        "flags": {
            "kind": "textcat", "exclusive": False, "labels": ["long", "urgent"],
            "question": "Flags!",
        },
    }  # fmt: skip
    assert config == "minilm-tasks"
    assert "Left out: the class en, which is every answer: nothing to learn." in remarks
    assert any("a task of its own, flags: the question 'Flags!'" in one for one in remarks)


def test_two_questions_with_the_same_answers_are_not_mixed(init: Init) -> None:
    records = [
        regions(choices=[("", "fever", [one]), ("", "cough", [other])])
        for one, other in (("yes", "no"), ("no", "yes"))
    ]
    tasks, remarks, config = init(records * 3, "json")
    assert [*tasks] == ["fever"]
    assert config == "minilm-tasks"
    assert remarks[-1].startswith("Left out: the question 'cough' about whole texts (no, yes): ")


def test_questions_without_names_are_told_by_what_they_let_choose(init: Init) -> None:
    def asked(accept: str, *options: str) -> dict[str, Any]:
        given = [{"id": one} for one in options]
        return {"text": TEXT, "options": given, "accept": [accept], "_view_id": "choice",
                "answer": "accept"}  # fmt: skip

    rows = [asked(one, "a", "b") for one in "ab"] + [asked(one, "x", "y") for one in "xy"]
    tasks, _, config = init(rows)
    assert [one["labels"] for one in tasks.values()] == [["a", "b"], ["x", "y"]]
    assert [*tasks] == ["classes", "classes-2"]
    assert config == "minilm-tasks"
    tasks, _, config = init([*rows, asked("a", "a", "x"), asked("x", "a", "x")])
    assert [one["labels"] for one in tasks.values()] == [["a", "x", "b", "y"]]
    assert config == "minilm-classes"


def test_a_question_of_one_shown_span_may_be_its_status(init: Init) -> None:
    rows = [
        row((FEVER, {}), options=[{"id": "a"}, {"id": "b"}], accept=[one], _view_id="choice")
        for one in "ab"
    ]
    tasks, remarks, _ = init(rows)
    assert tasks["classes"]["labels"] == ["a", "b"]
    assert "it is the status of entities" in remarks[0]


def test_what_was_taken_for_what_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(row((FEVER, {"negated": True}), (COUGH, {}))))
    write_first([str(tmp_path / "a.jsonl")], [], tmp_path / "a.yaml", "auto")
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:3] == [
        "Taken for the status of entities: the key 'negated' of spans (true 1).",
        "Of the key 'negated' of spans, 1 of 2 entities have none: taken for a status of their "
        "own, called unmarked.",
    ]


def test_a_status_that_shares_its_label_with_an_entity_is_left_out(init: Init) -> None:
    tasks, remarks, _ = init([row((FEVER, {"kind": one})) for one in ("FINDING", "b")] * 3)
    assert [*tasks] == ["ner"]
    assert "both an entity of entities and a status of kind" in remarks[0]
