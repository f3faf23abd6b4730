"""Classes of whole texts: what each tool's export says of each label, and what stops a run.

1 is known to be right, 0 known to be wrong; a label that is missing is unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin

from tests.components.ingest.exports import Ingested

LABELS = ["TAX", "VISA", "RENT"]
TEXT = "When is it due?"
OPTIONS = [{"id": label, "text": label.title()} for label in LABELS]
TAX = {"TAX": 1, "VISA": 0, "RENT": 0}
TAX_AND_RENT = {"TAX": 1, "VISA": 0, "RENT": 1}
# Other texts, so that every label has examples.
OTHERS = [
    {"text": f"text {number} of {label}", "options": OPTIONS, "accept": [label], "answer": "accept"}
    for label in LABELS
    for number in (1, 2)
]

Ingest = Callable[..., Ingested]
Write = Callable[..., str]
Cats = dict[str, int] | None


def tasks(*, exclusive: bool, **own: Any) -> str:
    """One task, `topic`."""
    topic = {"name": "topic", "kind": "textcat", "labels": LABELS, "exclusive": exclusive, **own}
    return json.dumps([topic])


def cats_of(done: Ingested) -> Cats:
    """What is known of TEXT; None where it is none of the records."""
    for record in done.records:
        if record.text == TEXT:
            return {label: int(there) for label, there in record.answers["topic"].cats.items()}
    return None


@pytest.fixture
def known(write: Write, ingest: Ingest) -> Callable[..., tuple[Cats, Ingested]]:
    """Ingest a file beside others; what is known of TEXT."""

    def known(content: Any, name: str = "export", **settings: Any) -> tuple[Cats, Ingested]:
        settings.setdefault("tasks", tasks(exclusive=True))
        done = ingest(write(OTHERS, "others.jsonl"), write(content, name), **settings)
        return cats_of(done), done

    return known


def lines(*records: Any) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def choice(*accept: str, **fields: Any) -> dict[str, Any]:
    row = {"text": TEXT, "options": OPTIONS, "accept": [*accept], "answer": "accept"}
    return {**row, "_view_id": "choice", "config": {"choice_style": "single"}, **fields}


def yes_or_no(label: str, answer: str, **fields: Any) -> dict[str, Any]:
    return {"text": TEXT, "label": label, "answer": answer, "_view_id": "classification", **fields}


def label_studio(*results: dict[str, Any], **task: Any) -> dict[str, Any]:
    annotation = {"id": 7, "completed_by": 3, "was_cancelled": False, "result": [*results]}
    return {"id": 1, "data": {"text": TEXT}, "annotations": [annotation], "predictions": [], **task}


def chosen(*labels: str, name: str = "topic") -> dict[str, Any]:
    return {
        "id": "x1",
        "type": "choices",
        "from_name": name,
        "to_name": "text",
        "value": {"choices": [*labels]},
    }


# What each tool writes of a text with the class TAX.
ONE: list[tuple[str, str, bytes]] = [
    ("Prodigy's choice", "a.jsonl", lines(choice("TAX"))),
    ("Prodigy's choice without options", "a.jsonl", lines(choice("TAX", options=None))),
    ("a yes to one label", "a.jsonl", lines(yes_or_no("TAX", "accept"))),
    ("a review of choices", "a.jsonl", lines(choice("TAX", _view_id="review", versions=[{}]))),
    ("spaCy's pairs", "a.jsonl", lines([TEXT, {"cats": {"TAX": 1.0, "VISA": 0.0, "RENT": 0.0}}])),
    ("spaCy's pairs, the rest unsaid", "a.json", lines([[TEXT, {"cats": {"TAX": True}}]])),
    ("Doc.to_json", "a.jsonl", lines({"text": TEXT, "cats": {"TAX": 1.0}, "tokens": []})),
    (
        "spaCy 2",
        "a.json",
        lines(
            [
                {
                    "id": 0,
                    "paragraphs": [
                        {
                            "raw": TEXT,
                            "sentences": [],
                            "cats": [{"label": "TAX", "value": 1}, {"label": "VISA", "value": 0}],
                        }
                    ],
                }
            ]
        ),
    ),
    ("Label Studio", "a.json", lines([label_studio(chosen("TAX"))])),
    (
        "Annotation Lab",
        "a.json",
        lines(
            [
                {
                    "data": {"text": TEXT, "title": "t.txt"},
                    "completions": [
                        {"created_username": "ada", "honeypot": True, "result": [chosen("TAX")]}
                    ],
                }
            ]
        ),
    ),
    (
        "Label Studio's JSON-MIN",
        "a.json",
        lines(
            [
                {
                    "body": TEXT,
                    "url": "https://x.org",
                    "id": 1,
                    "topic": "TAX",
                    "annotator": 1,
                    "annotation_id": 2,
                    "lead_time": 3.1,
                }
            ]
        ),
    ),
    (
        "Label Studio's CSV",
        "a.csv",
        '"annotation_id","annotator","id","label","lead_time","text"\n'
        f'2,1,1,"TAX",3.1,"{TEXT}"\n'.encode(),
    ),
    (
        "doccano's JSONL",
        "a.jsonl",
        lines({"id": 4, "text": TEXT, "label": ["TAX"], "Comments": []}),
    ),
    (
        "doccano's intents",
        "a.jsonl",
        lines({"id": 4, "text": TEXT, "cats": ["TAX"], "entities": [], "Comments": []}),
    ),
    ("doccano's CSV", "a.csv", f"id,text,label,Comments\n4,{TEXT},TAX,\n".encode()),
    ("Hugging Face", "a.jsonl", lines({"text": TEXT, "label": "TAX"})),
    ("Hugging Face, SetFit's", "a.jsonl", lines({"text": TEXT, "label": 2, "label_text": "TAX"})),
    (
        "Argilla 1",
        "a.jsonl",
        lines(
            {
                "text": TEXT,
                "inputs": {"text": TEXT},
                "prediction": [["VISA", 0.9]],
                "annotation": "TAX",
                "multi_label": False,
                "status": "Validated",
                "metadata": {},
            }
        ),
    ),
    (
        "Argilla 2",
        "a.json",
        lines(
            [
                {
                    "id": "r",
                    "fields": {"text": TEXT},
                    "metadata": {},
                    "suggestions": {"topic": {"value": "VISA", "score": 0.9, "agent": "m"}},
                    "responses": {
                        "topic": [{"value": "TAX", "user_id": "u1"}],
                        "why": [{"value": "it says so", "user_id": "u1"}],
                    },
                    "vectors": {},
                    "status": "completed",
                }
            ]
        ),
    ),
    ("CSV", "a.csv", f"text,label\n{TEXT},TAX\n".encode()),
    ("TSV", "a.tsv", f"category\ttext\nTAX\t{TEXT}\n".encode()),
]


@pytest.mark.parametrize(("name", "content"), [one[1:] for one in ONE], ids=[one[0] for one in ONE])
def test_one_class_makes_the_others_of_an_exclusive_task_wrong(
    name: str, content: bytes, known: Callable[..., Any]
) -> None:
    cats, done = known(content, name)
    assert cats == TAX
    assert (done.code, done.quarantine) == (0, [])


SEVERAL: list[tuple[str, str, bytes, dict[str, int]]] = [
    ("Prodigy's choice", "a.jsonl", lines(choice("TAX", "RENT")), TAX_AND_RENT),
    (
        "only the options of the row are known",
        "a.jsonl",
        lines(choice("TAX", options=OPTIONS[:2])),
        {"TAX": 1, "VISA": 0},
    ),
    ("none of these", "a.jsonl", lines(choice()), {"TAX": 0, "VISA": 0, "RENT": 0}),
    ("a rejected choice of one", "a.jsonl", lines(choice("TAX", answer="reject")), {"TAX": 0}),
    ("a yes", "a.jsonl", lines(yes_or_no("TAX", "accept")), {"TAX": 1}),
    ("a no", "a.jsonl", lines(yes_or_no("TAX", "reject")), {"TAX": 0}),
    (
        "several questions of one text",
        "a.jsonl",
        lines(yes_or_no("TAX", "accept"), yes_or_no("VISA", "reject")),
        {"TAX": 1, "VISA": 0},
    ),
    (
        "a pattern's highlight is no entity",
        "a.jsonl",
        lines(yes_or_no("TAX", "accept", spans=[{"start": 0, "end": 4, "pattern": 12}])),
        {"TAX": 1},
    ),
    (
        "spaCy's pairs",
        "a.jsonl",
        lines([TEXT, {"cats": {"TAX": 1, "RENT": 0}}]),
        {"TAX": 1, "RENT": 0},
    ),
    ("Label Studio", "a.json", lines([label_studio(chosen("TAX", "RENT"))]), TAX_AND_RENT),
    (
        "Label Studio's JSON-MIN",
        "a.json",
        lines([{"text": TEXT, "id": 1, "topic": {"choices": ["TAX", "RENT"]}, "annotator": 1}]),
        TAX_AND_RENT,
    ),
    ("doccano", "a.jsonl", lines({"text": TEXT, "label": ["RENT", "TAX"]}), TAX_AND_RENT),
    (
        "doccano's CSV",
        "a.csv",
        f"id,text,label,Comments\n4,{TEXT},RENT#TAX,\n".encode(),
        TAX_AND_RENT,
    ),
    ("Hugging Face", "a.jsonl", lines({"text": TEXT, "labels": ["TAX", "RENT"]}), TAX_AND_RENT),
    (
        "Argilla 1",
        "a.jsonl",
        lines(
            {
                "text": TEXT,
                "annotation": ["TAX", "RENT"],
                "multi_label": True,
                "status": "Validated",
            }
        ),
        TAX_AND_RENT,
    ),
    (
        "Argilla 2",
        "a.jsonl",
        lines(
            {
                "fields": {"text": TEXT},
                "responses": {"topic": [{"value": ["TAX", "RENT"], "user_id": "u"}]},
            }
        ),
        TAX_AND_RENT,
    ),
    ("CSV, a bar between", "a.csv", f"text,labels\n{TEXT},TAX|RENT\n".encode(), TAX_AND_RENT),
    (
        "CSV, a semicolon between",
        "a.csv",
        f"text,labels\n{TEXT},TAX; RENT\n".encode(),
        TAX_AND_RENT,
    ),
    (
        "CSV, a JSON list",
        "a.tsv",
        f'text\tlabels\n{TEXT}\t"[""TAX"", ""RENT""]"\n'.encode(),
        TAX_AND_RENT,
    ),
    (
        "CSV, a list of Python's",
        "a.csv",
        f"text,labels\n{TEXT},\"['TAX', 'RENT']\"\n".encode(),
        TAX_AND_RENT,
    ),
]


@pytest.mark.parametrize(
    ("name", "content", "expected"), [one[1:] for one in SEVERAL], ids=[one[0] for one in SEVERAL]
)
def test_what_is_known_of_each_label_where_a_text_may_have_several(
    name: str, content: bytes, expected: dict[str, int], known: Callable[..., Any]
) -> None:
    cats, done = known(content, name, tasks=tasks(exclusive=False))
    assert cats == expected
    assert (done.code, done.quarantine) == (0, [])


def test_a_rejected_label_of_an_exclusive_task_is_one_of_the_others(
    known: Callable[..., Any],
) -> None:
    assert known(lines(yes_or_no("TAX", "reject")))[0] == {"TAX": 0}
    assert known(lines(choice("TAX", answer="reject")))[0] == {"TAX": 0}
    assert known(lines([TEXT, {"cats": {"TAX": 0.0}}]))[0] == {"TAX": 0}
    # The last that is left is right.
    both = lines(yes_or_no("VISA", "reject"), yes_or_no("RENT", "reject"))
    assert known(both)[0] == TAX


NOTHING: list[tuple[str, bytes, str]] = [
    ("an ignored choice", lines(choice("TAX", answer="ignore")), "answer: ignore"),
    (
        "a rejected choice of several",
        lines(choice("TAX", "RENT", answer="reject")),
        "rejected choice of several labels, or none",
    ),
    ("entities", lines({"text": TEXT, "spans": [], "answer": "accept"}), "row of another task"),
    (
        "other classes",
        lines(choice("A", options=[{"id": "A"}, {"id": "B"}])),
        "row of another task",
    ),
    (
        "a prediction",
        lines([label_studio(annotations=[], predictions=[{"result": [chosen("TAX")]}])]),
        "task without an annotation",
    ),
    (
        "a skipped task",
        lines([label_studio(annotations=[{"was_cancelled": True, "result": [chosen("TAX")]}])]),
        "answer: ignore",
    ),
    (
        "Choices of a region",
        lines(
            [
                label_studio(
                    {
                        "id": "x1",
                        "type": "labels",
                        "from_name": "ents",
                        "value": {"start": 0, "end": 4, "text": "When", "labels": ["DATE"]},
                    },
                    chosen("TAX"),
                )
            ]
        ),
        "row of another task",
    ),
    (
        "an empty cell",
        f'text,label\n{TEXT},\nother,"TAX"\n'.encode(),
        "record without an annotation",
    ),
    ("no labels in doccano", lines({"text": TEXT, "cats": []}), "record without an annotation"),
    (
        "a suggestion in Argilla",
        lines(
            {"fields": {"text": TEXT}, "responses": {}, "suggestions": {"topic": {"value": "TAX"}}}
        ),
        "record without an annotation",
    ),
]


@pytest.mark.parametrize(
    ("content", "reason"), [one[1:] for one in NOTHING], ids=[one[0] for one in NOTHING]
)
def test_what_says_nothing_is_skipped_under_its_reason(
    content: bytes, reason: str, known: Callable[..., Any]
) -> None:
    cats, done = known(content)
    assert cats is None
    assert done.report["skipped"] == {reason: 1}
    assert done.quarantine == []


REFUSED: list[tuple[str, bytes, str, str]] = [
    ("no choice", lines(choice()), "no_choice", "no label is chosen"),
    ("several choices", lines(choice("TAX", "RENT")), "several_choices", "exactly one"),
    (
        "several in a cell",
        f"text,label\n{TEXT},TAX|RENT\n".encode(),
        "several_choices",
        "TAX, RENT",
    ),
    (
        "all wrong",
        lines([TEXT, {"cats": dict.fromkeys(LABELS, 0)}]),
        "no_choice",
        "every label is wrong",
    ),
    (
        "a probability",
        lines([TEXT, {"cats": {"TAX": 0.93, "VISA": 0.07}}]),
        "soft_class",
        "TAX is 0.93",
    ),
    ("a suggestion", lines({"text": TEXT, "label": "TAX", "score": 0.9}), "missing_answer", ""),
    ("numbers", lines({"text": TEXT, "label": 3}), "wrong_shape", "is a number"),
    ("numbers in a list", lines({"text": TEXT, "label": [3]}), "wrong_shape", "is a number"),
    ("no list", f'text,label\n{TEXT},"[""TAX"\n'.encode(), "wrong_shape", "no list of classes"),
]


@pytest.mark.parametrize(
    ("content", "kind", "said"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_what_cannot_be_believed_goes_to_quarantine(
    content: bytes, kind: str, said: str, known: Callable[..., Any]
) -> None:
    cats, done = known(content)
    assert cats is None
    assert [(one["reason"], said in one["detail"]) for one in done.quarantine] == [(kind, True)]


def test_a_docbin_with_cats(tmp_path: Path, known: Callable[..., Any]) -> None:
    nlp = spacy.blank("en")
    said = [{"TAX": 1.0}, {"VISA": 0.7}, {}]
    docs = [nlp.make_doc(text) for text in (TEXT, "a guess", "nothing")]
    for doc, cats in zip(docs, said, strict=True):
        doc.cats = cats
    cats, done = known(DocBin(docs=docs).to_bytes(), "a.spacy")
    assert cats == TAX
    assert [one["reason"] for one in done.quarantine] == ["soft_class"]
    assert done.report["skipped"] == {"document without entities, spans or classes": 1}


def test_several_questions_of_label_studio_are_distinguished(known: Callable[..., Any]) -> None:
    both = lines([label_studio(chosen("TAX"), chosen("RENT", name="second"))])
    assert known(both, tasks=tasks(exclusive=True, question="topic"))[0] == TAX
    second = known(both, tasks=tasks(exclusive=True, question="second"))[0]
    assert second == {"TAX": 0, "VISA": 0, "RENT": 1}


def test_annotators_of_label_studio_vote_and_their_contradictions_are_counted(
    known: Callable[..., Any],
) -> None:
    said = [
        {"completed_by": {"email": f"{n}@x.org"}, "result": [chosen(label)]}
        for n, label in enumerate(("TAX", "TAX", "RENT"))
    ]
    task = lines([label_studio(annotations=said)])
    cats, done = known(task)
    assert cats == TAX
    assert done.problem("conflicting_annotations")["count"] == 1
    agreement = done.report["tasks"]["topic"]["agreement"]
    assert (agreement["texts"], len(agreement["annotators"])) == (1, 3)
    assert known(task, conflicts="fail")[1].code == 3


def test_a_class_that_was_outvoted_everywhere_is_missing_and_no_more(
    known: Callable[..., Any],
) -> None:
    labels = [*LABELS, "ODD"]
    flags = json.dumps([{"name": "topic", "kind": "textcat", "labels": labels}])
    rows = lines(*(choice(one, options=None, _annotator_id=one) for one in ("ODD", "TAX")))
    _, done = known(rows, tasks=flags, required=LABELS)
    assert done.code == 0
    assert done.problem("missing_label")["policy"] == "warn"
    assert "lost_label" not in done.kinds()
    assert known(rows, tasks=flags)[1].code == 3


def test_a_yes_or_no_answer_that_contradicts_a_choice_is_counted(known: Callable[..., Any]) -> None:
    rows = lines(
        choice("TAX", _annotator_id="ada"), yes_or_no("TAX", "reject", _annotator_id="bob")
    )
    cats, done = known(rows)
    assert cats == TAX
    assert done.problem("conflicting_annotations")["policy"] == "warn"
    assert known(rows, conflicts="fail")[1].code == 3


def test_most_annotators_decide_a_question_and_the_newest_a_tie(known: Callable[..., Any]) -> None:
    def answered(*answers: str) -> bytes:
        return lines(
            *(
                yes_or_no("TAX", answer, _annotator_id=f"{n}", _timestamp=n)
                for n, answer in enumerate(answers)
            )
        )

    flags = tasks(exclusive=False)
    cats, done = known(answered("accept", "accept", "reject"), tasks=flags)
    assert cats == {"TAX": 1}
    assert done.problem("conflicting_annotations")["count"] == 1
    assert known(answered("accept", "reject"), tasks=flags)[0] == {"TAX": 0}


def test_who_answers_twice_has_changed_his_mind(known: Callable[..., Any]) -> None:
    rows = lines(
        yes_or_no("RENT", "accept", _annotator_id="ada"),
        yes_or_no("TAX", "accept", _annotator_id="ada"),
    )
    cats, done = known(rows, conflicts="fail")
    assert (cats, done.code) == (TAX, 0)
    assert "answered otherwise before" in str(done.problem("conflicting_annotations")["examples"])


def test_a_label_that_was_forgotten_in_the_config_stops_the_run(known: Callable[..., Any]) -> None:
    cats, done = known(f"text,label\nother,TAX\n{TEXT},TAXX\nthird,C D\n".encode(), "a.csv")
    assert (cats, done.code) == (None, 3)
    assert done.problem("undeclared_label")["count"] == 2
    assert "did you mean 'TAX'?" in str(done.problem("undeclared_label")["examples"])
    _, done = known(
        f"text,label\nother,TAX\n{TEXT},TAXX\n".encode(), "a.csv", select={"drop": ["TAXX"]}
    )
    assert (done.code, done.report["skipped"]) == (0, {"labels left out by select": 1})
    renamed = known(
        f"text,label\n{TEXT},TAXX\n".encode(), "a.csv", select={"rename": {"TAXX": "TAX"}}
    )
    assert renamed[0] == TAX


def test_classes_say_nothing_to_a_phase_of_entities(write: Write, ingest: Ingest) -> None:
    """Nor are the spans of their rows entities."""
    highlighted = choice("TAX", spans=[{"start": 0, "end": 4, "label": "ORG"}])
    done = ingest(write([highlighted, yes_or_no("ORG", "accept")]))
    assert done.report["skipped"] == {"row of another task": 2}
    assert done.records == []


STOPS: list[tuple[str, list[dict[str, Any]], bool, str]] = [
    (
        "rejections alone",
        [yes_or_no(label, "reject", text=f"{label} {n}") for label in LABELS for n in (1, 2)],
        True,
        "6 records only say which label is wrong",
    ),
    (
        "rejections alone, any of several",
        [yes_or_no(label, "reject", text=f"{label} {n}") for label in LABELS for n in (1, 2)],
        False,
        "6 records only say which label is wrong",
    ),
    (
        "all unknown",
        [choice("TAX", "RENT", answer="reject", text=f"{n}") for n in range(4)],
        False,
        "none of 4 records was kept (rejected choice of several labels, or none: 4)",
    ),
    ("one class", [choice("TAX", text=f"{n}") for n in range(4)], True, "has 'TAX'"),
    (
        "yes alone",
        [yes_or_no("TAX", "accept", text=f"{n}") for n in range(4)],
        False,
        "nobody said of any text that it is not 'TAX'",
    ),
    ("nothing", [], True, "the annotations hold no record"),
    (
        "ignored alone",
        [choice("TAX", answer="ignore", text=f"{n}") for n in range(4)],
        True,
        "none of 4 records was kept (answer: ignore: 4)",
    ),
]


@pytest.mark.parametrize(
    ("rows", "exclusive", "said"), [one[1:] for one in STOPS], ids=[one[0] for one in STOPS]
)
def test_what_cannot_be_learnt_from_stops_with_one_message(
    rows: list[dict[str, Any]],
    exclusive: bool,
    said: str,
    write: Write,
    ingest: Ingest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = ingest(write(rows), tasks=tasks(exclusive=exclusive), required=[])
    assert done.code == 3
    message = capsys.readouterr().err
    assert said in message
    assert len(done.report["reasons"]) == 1
