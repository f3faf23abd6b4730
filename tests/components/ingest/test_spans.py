"""Spans that may overlap: what each tool's export says, and of which task it says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from tests.components.ingest.exports import Ingested, row

Ingest = Callable[..., Ingested]
Write = Callable[..., str]
Found = list[tuple[int, int, str]]

LABELS = ["CUE", "SCOPE"]
SPANS = {"name": "spans", "kind": "spans", "labels": LABELS}
ALONE = json.dumps([SPANS])
MIXED = json.dumps([{"name": "entities", "kind": "ner", "labels": ["DRUG"]}, SPANS])
TEXT = "sin signos de fiebre"
BOTH: Found = [(0, 3, "CUE"), (0, 20, "SCOPE")]


def found(done: Ingested, task: str = "spans") -> list[Found | None]:
    answers = [record.answers.get(task) for record in done.records]
    return [said and [(s.start, s.end, s.label) for s in said.spans] for said in answers]


def manual(text: str, *spans: tuple[int, int, str], **more: Any) -> dict[str, Any]:
    return row(text, *spans, **{"_view_id": "spans_manual", **more})


def test_overlapping_spans_are_all_kept(write: Write, ingest: Ingest) -> None:
    rows = [manual(TEXT, *BOTH), manual("no fiebre", (0, 2, "CUE"), (0, 9, "SCOPE"))]
    done = ingest(write([*rows, manual("nada")]), tasks=ALONE)
    assert done.code == 0
    assert found(done) == [BOTH, [(0, 2, "CUE"), (0, 9, "SCOPE")], []]
    assert not done.kinds() & {"overlapping_spans", "several_labels"}
    said = "The model considers runs of 1-2, 4 words, which 100.0% of the spans are: "
    [remark] = done.report["tasks"]["spans"]["remarks"]
    assert remark.startswith(said)
    assert remark in done.summary
    assert said in done.page


def test_the_same_span_with_two_labels_is_two_spans(write: Write, ingest: Ingest) -> None:
    twice = manual(TEXT, (0, 3, "CUE"), (0, 3, "SCOPE"), (0, 3, "CUE"))
    done = ingest(write([twice, manual("no", (0, 2, "CUE"), (0, 2, "SCOPE"))]), tasks=ALONE)
    assert found(done)[0] == [(0, 3, "CUE"), (0, 3, "SCOPE")]
    assert done.problem("duplicate_span")["count"] == 1


def test_annotators_vote_on_each_span(write: Write, ingest: Ingest) -> None:
    votes = [BOTH, BOTH[:1], [*BOTH, (4, 10, "SCOPE")]]
    rows = [manual(TEXT, *spans, _session_id=f"{n}") for n, spans in enumerate(votes)]
    done = ingest(write([*rows, manual("no fiebre", (0, 2, "CUE"), (0, 9, "SCOPE"))]), tasks=ALONE)
    assert found(done)[0] == BOTH


def test_passes_may_meet(write: Write, ingest: Ingest) -> None:
    texts = [TEXT, "sin fiebre", "sin tos"]
    cues = [manual(text, (0, 3, "CUE")) for text in texts]
    scopes = [manual(text, (0, len(text), "SCOPE")) for text in texts]
    done = ingest(write(cues, "cues.jsonl"), write(scopes, "scopes.jsonl"), tasks=ALONE)
    assert found(done) == [[(0, 3, "CUE"), (0, len(text), "SCOPE")] for text in texts]
    assert "conflicting_annotations" not in done.kinds()


def test_yes_or_no_answers(write: Write, ingest: Ingest) -> None:
    rows = [manual(f"{TEXT} {n}", *BOTH) for n in range(2)]
    asked = [
        manual("sin tos", (0, 3, "CUE"), _view_id="spans"),
        manual("sin tos", (0, 7, "SCOPE"), _view_id="spans", answer="reject"),
    ]
    done = ingest(write([*rows, *asked]), tasks=ALONE)
    said = done.records[-1].answers["spans"]
    assert [(s.start, s.label) for s in said.spans] == [(0, "CUE")]
    assert [(s.end, s.label) for s in said.rejected] == [(7, "SCOPE")]
    assert not said.complete


def test_overlapping_regions_of_label_studio(write: Write, ingest: Ingest) -> None:
    def region(start: int, end: int, label: str) -> dict[str, Any]:
        value = {"start": start, "end": end, "text": TEXT[start:end], "labels": [label]}
        return {"type": "labels", "from_name": "label", "to_name": "text", "value": value}

    tasks = [
        {
            "data": {"text": TEXT + end},
            "annotations": [{"result": [region(*span) for span in BOTH]}],
        }
        for end in ("", " alta")
    ]
    done = ingest(write(json.dumps(tasks).encode(), "tasks.json"), tasks=ALONE)
    assert done.code == 0
    assert found(done) == [BOTH, BOTH]


def docbin(path: Path, groups: list[dict[str, Found]]) -> str:
    """Documents of one text with these groups of spans."""
    nlp = spacy.blank("en")
    packed = DocBin(store_user_data=True)
    for number, each in enumerate(groups):
        doc: Doc = nlp(f"{TEXT} {number}")
        for name, spans in each.items():
            made = [doc.char_span(start, end, label) for start, end, label in spans]
            doc.spans[name] = [one for one in made if isinstance(one, Span)]
        packed.add(doc)
    packed.to_disk(path)
    return str(path)


@pytest.mark.parametrize(
    "groups",
    [
        {"spans": BOTH, "sc": [], "other": [(0, 3, "CUE")]},
        {"sc": BOTH, "other": [(0, 3, "CUE")]},
        {"other": BOTH},
    ],
)
def test_groups_of_a_docbin(tmp_path: Path, ingest: Ingest, groups: dict[str, Found]) -> None:
    """The group of the task's name, else spaCy's own, else the only one; none says nothing."""
    empty: dict[str, Found] = {name: [] for name in groups}
    done = ingest(docbin(tmp_path / "a.spacy", [groups, groups, empty, {}]), tasks=ALONE)
    assert found(done) == [BOTH, BOTH, []]
    assert done.report["skipped"] == {"document without entities, spans or classes": 1}


def test_spans_are_of_the_task_that_has_their_label(write: Write, ingest: Ingest) -> None:
    both = [
        manual("toma aspirina sin fiebre", (5, 13, "DRUG"), (14, 17, "CUE"), (14, 24, "SCOPE")),
        manual("no toma aspirina", (8, 16, "DRUG"), (0, 2, "CUE"), (0, 16, "SCOPE")),
        manual("nada"),
    ]
    done = ingest(write(both), tasks=MIXED)
    assert done.code == 0
    assert found(done, "entities") == [[(5, 13, "DRUG")], [(8, 16, "DRUG")], []]
    assert found(done) == [
        [(14, 17, "CUE"), (14, 24, "SCOPE")],
        [(0, 2, "CUE"), (0, 16, "SCOPE")],
        [],
    ]


def test_what_was_read_for_one_task_says_nothing_of_the_other(write: Write, ingest: Ingest) -> None:
    entities = [row("toma aspirina", (5, 13, "DRUG")), row("da aspirina", (3, 11, "DRUG"))]
    spans = [manual(TEXT, *BOTH), manual("sin tos", (0, 3, "CUE"), (0, 7, "SCOPE"))]
    paths = [
        write([*entities, row("nada")], "entities.jsonl"),
        write([*spans, manual("alta")], "spans.jsonl"),
    ]
    done = ingest(*paths, tasks=MIXED)
    assert [sorted(record.answers) for record in done.records] == [["entities"]] * 3 + [
        ["spans"]
    ] * 3


def test_a_file_without_a_span_is_of_the_task_that_its_tool_asked_for(
    write: Write, ingest: Ingest
) -> None:
    told = [
        row("toma aspirina", (5, 13, "DRUG")),
        row("da aspirina", (3, 11, "DRUG")),
        manual(TEXT, *BOTH),
        manual("sin tos", (0, 3, "CUE"), (0, 7, "SCOPE")),
    ]
    nothing = [manual("nada"), row("alta"), row("quizá", _view_id="blocks", tokens=[])]
    done = ingest(write(told, "told.jsonl"), write(nothing, "nothing.jsonl"), tasks=MIXED)
    answered = {record.text: [*record.answers] for record in done.records[4:]}
    assert answered == {"nada": ["spans"], "alta": ["entities"]}
    assert done.report["skipped"] == {"spans of another task": 1}


def test_a_label_of_no_task_is_said_once(write: Write, ingest: Ingest) -> None:
    rows = [manual(f"{TEXT} {n}", *BOTH) for n in range(2)]
    done = ingest(write([*rows, manual("el fin", (0, 2, "DET"))]), tasks=MIXED)
    assert done.code == 3
    assert done.problem("undeclared_label")["count"] == 1
