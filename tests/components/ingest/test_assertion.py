"""The status of entities: in four ways to write it, merged with entities, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.records.record import Record, Span
from tests.components.ingest.exports import Ingested, row

Write = Callable[..., str]
Ingest = Callable[..., Ingested]

FINDINGS = {"name": "findings", "kind": "ner", "labels": ["FINDING"]}
STATUS = {
    "name": "status", "kind": "assertion", "of": "findings", "labels": ["Present", "Absent"],
}  # fmt: skip
TEXT = "No fever but a cough and pain"
FEVER, COUGH, PAIN = (3, 8), (15, 20), (25, 29)


def tasks(**more: Any) -> str:
    return json.dumps([FINDINGS, {**STATUS, **more}])


def marked(text: str, *spans: tuple[int, int, str | None], **more: Any) -> dict[str, Any]:
    """A row of Prodigy whose spans have a status, or None."""
    record = row(text, *((start, end, "FINDING") for start, end, _ in spans), **more)
    for span, (_, _, status) in zip(record["spans"], spans, strict=True):
        if status is not None:
            span["assertion"] = status
    return record


def regions(*marks: tuple[int, int, str], text: str = TEXT, **more: Any) -> dict[str, Any]:
    """A task of Annotation Lab or Label Studio, whose regions are labelled."""
    results = [
        {
            "id": f"r{number}", "type": "labels", "from_name": "label", "to_name": "text",
            "value": {"start": start, "end": end, "text": text[start:end], "labels": [label]},
        }
        for number, (start, end, label) in enumerate(marks)
    ]  # fmt: skip
    return {"data": {"text": text}, "annotations": [{"result": results, **more}]}


def choice(region: str, *said: str, name: str = "assertion") -> dict[str, Any]:
    """A choice about a region of Label Studio."""
    value = {"choices": [*said]}
    return {"id": region, "type": "choices", "from_name": name, "to_name": "text", "value": value}


def question(span: tuple[int, int], *said: str, text: str = TEXT, **more: Any) -> dict[str, Any]:
    """A row of Prodigy's choice about one span that it shows."""
    options = [{"id": name, "text": name} for name in STATUS["labels"]]
    chosen = {"options": options, "accept": [*said], "_view_id": "choice"}
    return row(text, (*span, "FINDING"), **chosen, **more)


def statuses(record: Record) -> list[tuple[int, int, str]] | None:
    answers = record.answers.get("status")
    return [(s.start, s.end, s.label) for s in answers.spans] if answers else None


@pytest.fixture
def said(write: Write, ingest: Ingest) -> Callable[..., Any]:
    """The run over some rows, and the statuses of the text that is asked about."""

    def said(
        *rows: Any, name: str = "rows.jsonl", settings: Any = None, **of_task: Any
    ) -> tuple[Ingested, Any]:
        content = json.dumps([*rows]).encode() if name.endswith(".json") else rows
        done = ingest(write(content, name), tasks=tasks(**of_task), required=[], **(settings or {}))
        return done, [statuses(one) for one in done.records if one.text == TEXT]

    return said


def test_a_key_of_the_spans(said: Callable[..., Any]) -> None:
    spans = ((*FEVER, "Absent"), (*COUGH, "Present"), (*PAIN, None))
    done, found = said(marked(TEXT, *spans))
    assert found == [[(*FEVER, "Absent"), (*COUGH, "Present")]]  # of PAIN nobody knows
    assert not done.records[0].answers["status"].complete
    done, found = said(marked(TEXT, *spans), default="Present")
    assert found == [[(*FEVER, "Absent"), (*COUGH, "Present"), (*PAIN, "Present")]]
    assert done.records[0].answers["status"].complete
    assert done.problem("default_status")["count"] == 1
    assert len(done.records[0].answers["findings"].spans) == 3


def test_any_key_and_values_that_are_no_text(said: Callable[..., Any]) -> None:
    record = marked(TEXT, (*FEVER, None), (*COUGH, None), (*PAIN, "Present"))
    record["spans"][0]["negated"], record["spans"][1]["negated"] = True, False
    rename = {"select": {"rename": {"true": "Absent", "false": "Present"}}}
    _, found = said(record, key="negated", settings=rename)
    assert found == [[(*FEVER, "Absent"), (*COUGH, "Present")]]


def test_a_status_that_nobody_declared_stops(said: Callable[..., Any]) -> None:
    done, _ = said(marked(TEXT, (*FEVER, "Absnt"), (*COUGH, "Present")))
    assert done.code == 3
    assert "'Absnt': did you mean 'Absent'?" in str(done.problem("undeclared_label")["examples"])


def test_regions_over_those_of_entities(said: Callable[..., Any]) -> None:
    finding = [(*place, "FINDING") for place in (FEVER, COUGH, PAIN)]
    # Over it exactly, over it with a word before, and beside it.
    done, found = said(
        regions(*finding, (*FEVER, "Absent"), (13, 20, "Present"), (21, 25, "Absent")),
        name="tasks.json",
    )
    assert done.code == 0
    assert found == [[(*FEVER, "Absent"), (*COUGH, "Present")]]
    assert done.problem("unpaired_assertion")["examples"][0]["detail"] == "Absent at 'and'"
    assert [span.label for span in done.records[0].answers["findings"].spans] == ["FINDING"] * 3


def test_one_region_over_two_entities_is_said_of_both(said: Callable[..., Any]) -> None:
    finding = [(*place, "FINDING") for place in (COUGH, PAIN)]
    _, found = said(regions(*finding, (15, 29, "Absent"), (*PAIN, "Present")), name="tasks.json")
    assert found == [[(*COUGH, "Absent"), (*PAIN, "Present")]]


def test_two_statuses_of_one_entity_are_refused(said: Callable[..., Any]) -> None:
    done, found = said(
        regions((*FEVER, "FINDING"), (*FEVER, "Absent"), (*FEVER, "Present")), name="tasks.json"
    )
    assert (found, done.quarantine[0]["reason"]) == ([], "several_statuses")
    assert done.quarantine[0]["detail"] == "the FINDING at 3-8 is Absent and Present"


def test_choices_of_a_region(said: Callable[..., Any], ingest: Ingest) -> None:
    finding = [(*place, "FINDING") for place in (FEVER, COUGH)]
    task = regions(*finding)
    task["annotations"][0]["result"] += [
        choice("r0", "Absent"),
        choice("r1", "Present", name="other"),
        choice("r1", "mild", name="x"),
    ]  # fmt: skip
    done, found = said(task, name="tasks.json")
    assert found == [[(*FEVER, "Absent"), (*COUGH, "Present")]]
    assert (done.problem("region_choices")["count"], done.code) == (1, 0)


def test_choices_of_a_region_that_no_task_reads_are_counted(write: Write, ingest: Ingest) -> None:
    task = regions((*FEVER, "FINDING"))
    task["annotations"][0]["result"].append(choice("r0", "Absent"))
    done = ingest(write(json.dumps([task]).encode()), labels=["FINDING"], required=[])
    assert done.problem("region_choices")["examples"][0]["detail"] == "assertion"


def test_a_second_file_of_questions_about_one_span(
    write: Write, ingest: Ingest, said: Callable[..., Any]
) -> None:
    entities = write([marked(TEXT, (*FEVER, None), (*COUGH, None))], "entities.jsonl")
    asked = write([question(FEVER, "Absent"), question(COUGH, "Present")], "questions.jsonl")
    for default in ("", "Present"):
        for paths in ((entities, asked), (asked, entities)):
            done = ingest(*paths, tasks=tasks(default=default), required=[])
            [record] = done.records
            assert statuses(record) == [(*FEVER, "Absent"), (*COUGH, "Present")]
            assert record.answers["findings"].spans == [
                Span(*FEVER, "FINDING"), Span(*COUGH, "FINDING"),
            ]  # fmt: skip
    # What was not asked has the default, if there is one.
    one = write([question(FEVER, "Absent")], "one.jsonl")
    done = ingest(entities, one, tasks=tasks(default="Present"), required=[])
    assert statuses(done.records[0]) == [(*FEVER, "Absent"), (*COUGH, "Present")]
    done = ingest(entities, one, tasks=tasks(), required=[])
    assert statuses(done.records[0]) == [(*FEVER, "Absent")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"accept": []}, "no_choice"),
        ({"accept": ["Present", "Absent"]}, "several_choices"),
        ({"spans": []}, "unclear_assertion"),
    ],
)
def test_a_question_that_says_no_status_is_refused(
    said: Callable[..., Any], changes: dict[str, Any], reason: str
) -> None:
    done, _ = said({**question(FEVER, "Absent"), **changes}, marked("a cough", (2, 7, "Present")))
    assert [one["reason"] for one in done.quarantine] == [reason]


def test_a_rejected_question_says_nothing(said: Callable[..., Any]) -> None:
    done, found = said(
        question(FEVER, "Absent", answer="reject"), marked(TEXT, (*COUGH, "Present"))
    )
    assert found == [[(*COUGH, "Present")]]
    assert "rejected_choice" in done.kinds()


def test_annotators_vote_on_each_entity(said: Callable[..., Any]) -> None:
    def by(name: str, fever: str | None) -> dict[str, Any]:
        return marked(TEXT, (*FEVER, fever), (*COUGH, "Present"), _annotator_id=name)

    rows = [by("a", "Absent"), by("b", None), by("c", None)]
    rows.append(marked("no cough", (3, 8, "Absent")))
    _, found = said(*rows, default="Present")  # whoever marks nothing says the default
    assert found == [[(*FEVER, "Present"), (*COUGH, "Present")]]
    _, found = said(*rows)
    assert found == [[(*FEVER, "Absent"), (*COUGH, "Present")]]


def test_a_pass_of_statuses_alone_says_nothing_of_entities(write: Write, ingest: Ingest) -> None:
    first = write(
        json.dumps([regions((*FEVER, "FINDING"), (*COUGH, "FINDING"))]).encode(), "1.json"
    )
    second = write(json.dumps([regions((*FEVER, "Absent"), (*PAIN, "Absent"))]).encode(), "2.json")
    done = ingest(first, second, tasks=tasks(default="Present"), required=[])
    [record] = done.records
    assert statuses(record) == [(*FEVER, "Absent"), (*COUGH, "Present")]
    assert len(record.answers["findings"].spans) == 2
    assert done.problem("unpaired_assertion")["examples"][0]["detail"] == "Absent at 'pain'"
    assert "conflicting_annotations" not in done.kinds()


def test_a_text_without_any_status_is_unannotated(said: Callable[..., Any]) -> None:
    done, found = said(marked(TEXT, (*FEVER, None)), marked("a cough", (2, 7, "Present")))
    assert found == [None]
    assert done.code == 0


def test_a_pass_over_other_spans_that_found_none_says_nothing_of_statuses(
    write: Write, ingest: Ingest
) -> None:
    cues = {"name": "cues", "kind": "spans", "labels": ["CUE"]}
    read = [marked(TEXT, (*FEVER, "Absent"), (*COUGH, None)), marked("a cough", (2, 7, "Absent"))]
    other = [row(TEXT, _view_id="spans_manual"), row("a", (0, 1, "CUE"), _view_id="spans_manual")]
    kinds = json.dumps([FINDINGS, {**STATUS, "default": "Present"}, cues])
    files = write(read, "read.jsonl"), write(other, "other.jsonl")
    done = ingest(*files, tasks=kinds, required=[])
    said = {record.text: record.answers for record in done.records}
    assert said[TEXT]["status"].spans == [Span(*FEVER, "Absent"), Span(*COUGH, "Present")]
    assert said[TEXT]["cues"].spans == []
    assert [*said["a"]] == ["cues"]
