"""Exports of other tools: recognised by the keys at their top, read to the same annotations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.ingest.readers.detect import detect, read
from components.records.annotation import Annotation, Item, Refused, Skipped
from components.records.problems import Problems, StopReadingError
from components.records.sources import SourceFile
from tests.components.ingest.exports import Ingested

TEXT = "Ada Byron left Acme"
SPANS = [(0, 9, "PER"), (15, 19, "ORG")]
WORDS = TEXT.split()
TAGS = ["B-PER", "I-PER", "O", "B-ORG"]
OFFSETS = [[a, b, label] for a, b, label in SPANS]
NAMED = [{"start": a, "end": b, "label": label} for a, b, label in SPANS]
REGIONS = [{"start": a, "end": b, "labels": [label], "text": TEXT[a:b]} for a, b, label in SPANS]
ROW = {"text": TEXT, "spans": NAMED, "answer": "accept"}

EXPORTS: list[tuple[str, Any]] = [
    ("doccano", {"id": 1, "text": TEXT, "label": OFFSETS, "Comments": []}),
    ("doccano", {"text": TEXT, "labels": OFFSETS}),
    (
        "doccano",
        {
            "text": TEXT,
            "entities": [
                {"id": n, "label": label, "start_offset": a, "end_offset": b}
                for n, (a, b, label) in enumerate(SPANS)
            ],
            "relations": [{"from_id": 0, "to_id": 1, "type": "left"}],
        },
    ),
    ("doccano", {"text": TEXT, "entities": NAMED}),
    ("spacy", [TEXT, {"entities": OFFSETS}]),
    ("spacy", [[TEXT, {"entities": OFFSETS}]]),
    ("spacy", {"text": TEXT, "ents": NAMED, "tokens": [{"id": 0, "start": 0, "end": 3}]}),
    ("spacy", {"classes": ["PER", "ORG"], "annotations": [[TEXT, {"entities": OFFSETS}], None]}),
    (
        "spacy",
        [
            {
                "id": 0,
                "paragraphs": [
                    {
                        "raw": TEXT,
                        "sentences": [
                            {
                                "tokens": [
                                    {"orth": word, "ner": tag}
                                    for word, tag in zip(
                                        WORDS, ["B-PER", "L-PER", "O", "U-ORG"], strict=True
                                    )
                                ]
                            }
                        ],
                    }
                ],
            }
        ],
    ),
    (
        "labelstudio-min",
        [{"id": 1, "text": TEXT, "ner": REGIONS, "annotator": 1, "lead_time": 2.0}],
    ),
    ("labelstudio-min", {"text": TEXT, "ner": json.dumps(REGIONS), "annotation_id": 7}),
    (
        "dataturks",
        {
            "content": TEXT,
            "annotation": [
                {"label": [label], "points": [{"start": a, "end": b - 1, "text": TEXT[a:b]}]}
                for a, b, label in SPANS
            ],
            "extras": None,
        },
    ),
    (
        "lighttag",
        {
            "examples": [
                {
                    "content": TEXT,
                    "annotations": [
                        {"start": a, "end": b, "tag": label, "value": TEXT[a:b]}
                        for a, b, label in SPANS
                    ],
                }
            ]
        },
    ),
    (
        "groundtruth",
        {
            "source": TEXT,
            "job": {
                "annotations": {
                    "entities": [
                        {"label": label, "startOffset": a, "endOffset": b} for a, b, label in SPANS
                    ]
                }
            },
            "job-metadata": {"type": "groundtruth/text-span"},
        },
    ),
    ("argilla", {"text": TEXT, "annotation": NAMED, "status": "Validated", "prediction": None}),
    (
        "argilla",
        {
            "fields": {"text": TEXT},
            "responses": {"ner": [{"value": NAMED, "user_id": "u", "status": "submitted"}]},
        },
    ),
    (
        "labelbox",
        {
            "data_row": {"row_data": TEXT},
            "projects": {
                "p": {
                    "labels": [
                        {
                            "annotations": {
                                "objects": [
                                    {"name": label, "location": {"start": a, "end": b - 1}}
                                    for a, b, label in SPANS
                                ]
                            }
                        }
                    ]
                }
            },
        },
    ),
    ("huggingface", {"id": "0", "tokens": WORDS, "ner_tags": TAGS}),
    ("prodigy", ROW),
    ("prodigy", {**ROW, "meta": {"data": {}, "annotations": [1]}}),
]


def items(folder: Path, *records: Any, lines: bool = True) -> list[Item]:
    path = folder / "export"
    text = "\n".join(map(json.dumps, records)) if lines else json.dumps([*records], indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    return list(read(path, "export", SourceFile(str(path), "auto"), Problems()))


@pytest.mark.parametrize(("name", "record"), EXPORTS)
def test_an_export_is_recognised_and_read(name: str, record: Any, tmp_path: Path) -> None:
    assert detect(json.dumps(record).encode(), "export") == name
    (item,) = items(tmp_path, record)
    assert isinstance(item, Annotation)
    assert item.text == TEXT
    assert [(span.start, span.end, span.label) for span in item.spans] == SPANS
    assert item.answer == "accept"


@pytest.mark.parametrize(("name", "record"), EXPORTS)
def test_it_is_recognised_where_its_first_record_is_cut(name: str, record: Any) -> None:
    """As in the first megabyte of a file whose first record is longer."""
    text = json.dumps(record)
    if isinstance(record, dict) and len(record) > 1:
        last = text.rindex(f'"{[*record][-1]}"')
        assert detect(f"{text[: last + len([*record][-1]) + 4]}".encode(), "export") == name


def test_arrays_are_read_as_lines_are(tmp_path: Path) -> None:
    record = {"text": TEXT, "label": OFFSETS}
    assert len(items(tmp_path, record, record, lines=False)) == 2


@pytest.mark.parametrize(
    ("record", "kind", "said"),
    [
        (
            {"text": TEXT, "annotations": [{"label": 1, "start_offset": 0, "end_offset": 3}]},
            "wrong_shape",
            "export it with the names",
        ),
        ({"text": TEXT, "label": [[0, "3", "PER"]]}, "bad_offsets", 'not "3"'),
        ({"text": None, "label": [[0, 3, "PER"]]}, "wrong_shape", "expected a text, not null"),
        ({"text": TEXT, "label": [[0]]}, "wrong_shape", "not what this format has"),
        ({"tokens": WORDS, "ner_tags": [1, 2, 0, 3]}, "wrong_shape", "are numbers"),
        ({"tokens": WORDS, "ner_tags": TAGS[1:]}, "wrong_shape", "4 tokens and 3 ner_tags"),
        ({"content": TEXT, "annotation": [{"label": ["X"]}]}, "wrong_shape", "no 'points'"),
        ({"a": "x", "b": "y", "annotator": 1}, "unknown_text", "several texts: a, b"),
        (
            [{"id": 0, "paragraphs": [{"raw": TEXT, "sentences": []}]}],
            "wrong_shape",
            f"no token covers {TEXT!r}",
        ),
        (
            {"text": TEXT, "ner": [{"start": 0, "end": 3, "labels": []}], "annotator": 1},
            "wrong_shape",
            "ner: a region without its labels or offsets",
        ),
        (
            {
                "fields": {"text": TEXT},
                "responses": {
                    "places": [{"value": [], "user_id": "u"}],
                    "people": [{"value": [{"start": 0, "end": 3}], "user_id": "u"}],
                },
            },
            "wrong_shape",
            "a span without its label or offsets",
        ),
        ([TEXT, {"entities": None}], "wrong_shape", "expected a list of spans, not null"),
        ([TEXT, {"entities": [[0, 3, "P", "Q1", 5]]}], "wrong_shape", "expected [start, end, "),
        (
            {
                "text": TEXT,
                "annotator": 1,
                "ner": [{"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "text": "Ada"}],
            },
            "wrong_shape",
            "ner: a region without its labels or offsets",
        ),
        (
            {"text": TEXT, "annotator": 1, "ner": [{}]},
            "wrong_shape",
            "ner: a region without its labels or offsets",
        ),
        (
            {"data": {"text": TEXT}, "annotations": [{"id": 1}]},
            "wrong_shape",
            "required field `result`",
        ),
        (
            {"data": {"text": TEXT}, "annotations": [{"result": [{"value": {"labels": ["P"]}}]}]},
            "wrong_shape",
            "required field `type`",
        ),
        (
            {
                "data": {"text": TEXT},
                "annotations": [{"result": [{"type": "label", "value": {"labels": ["P"]}}]}],
            },
            "wrong_shape",
            "labels in a result of type 'label'",
        ),
        (
            {"data_row": {"row_data": "https://x.org/a.txt"}, "projects": {}},
            "text_elsewhere",
            "https://x.org/a.txt",
        ),
    ],
)
def test_what_cannot_be_believed_is_refused_with_its_reason(
    record: Any, kind: str, said: str, tmp_path: Path
) -> None:
    (item,) = items(tmp_path, record)
    assert isinstance(item, Refused)
    assert item.kind == kind
    assert said in item.detail


@pytest.mark.parametrize(
    "record",
    [
        [TEXT, {"heads": [0, 0], "deps": ["ROOT", "dobj"]}],
        {"text": TEXT, "annotation": None, "status": "Default"},
        {"fields": {"text": TEXT}, "responses": {}},
    ],
)
def test_a_record_of_another_task_or_without_an_answer_is_skipped(
    record: Any, tmp_path: Path
) -> None:
    (item,) = items(tmp_path, record)
    assert isinstance(item, Skipped)


FEATURES = ["O", "B-PER", "I-PER", "B-ORG"]
CLASS_LABEL = {"feature": {"names": FEATURES, "_type": "ClassLabel"}, "_type": "Sequence"}


@pytest.mark.parametrize(
    "features",
    [
        FEATURES,
        {"features": {"tokens": {"dtype": "string"}, "ner_tags": CLASS_LABEL}},
        {"en": {"features": {"ner_tags": [CLASS_LABEL["feature"]], "pos_tags": {"names": ["N"]}}}},
        {"model_type": "bert", "id2label": {str(n): tag for n, tag in enumerate(FEATURES)}},
    ],
)
def test_tags_as_numbers_are_named_by_a_features_file(
    features: Any, tmp_path: Path, ingest: Callable[..., Ingested]
) -> None:
    rows = [{"tokens": WORDS, "ner_tags": [1, 2, 0, 3]}, {"tokens": ["Ada"], "ner_tags": [1]}]
    rows += [
        {"tokens": ["Acme", "left"], "ner_tags": [3, 0]},
        {"tokens": ["Leeds"], "ner_tags": [9]},
    ]
    source = tmp_path / "rows.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    beside = tmp_path / "dataset_info.json"
    beside.write_text(json.dumps(features), encoding="utf-8")
    done = ingest(str(source), labels=["PER", "ORG"], features=str(beside))
    marked = [[s.label for s in record.answers["ner"].spans] for record in done.records]
    assert marked == [["PER", "ORG"], ["PER"], ["ORG"]]
    assert [line["detail"] for line in done.quarantine] == ["ner_tags: 9 is none of 4 tags"]
    assert done.report["sources"] == {"rows.jsonl": 4}


def test_numbers_that_a_features_file_does_not_name_are_refused(tmp_path: Path) -> None:
    path, features = tmp_path / "rows.jsonl", tmp_path / "features.json"
    path.write_text(json.dumps({"tokens": ["Ada"], "ner_tags": [4]}), encoding="utf-8")
    for content, said in ((FEATURES, "4 is none of 4 tags"), ({}, "does not name them")):
        features.write_text(json.dumps(content), encoding="utf-8")
        file = SourceFile(str(path), "auto", features=str(features))
        (item,) = read(path, "rows", file, Problems())
        assert isinstance(item, Refused)
        assert said in item.detail
    features.write_text("{", encoding="utf-8")
    with pytest.raises(StopReadingError, match=r"features\.json can't be read"):
        list(read(path, "rows", file, Problems()))


@pytest.mark.parametrize(
    "record",
    [
        {"text": TEXT, "entities": NAMED, "relations": [{"from_id": 0, "to_id": 1}]},
        {**ROW, "relations": [{"head": 0, "child": 1, "label": "left"}]},
        {
            "data": {"text": TEXT},
            "annotations": [{"result": [{"type": "relation", "from_id": "a", "to_id": "b"}]}],
        },
        {"examples": [{"content": TEXT, "annotations": NAMED, "relations": [{}]}]},
    ],
)
def test_relations_are_passed_over_and_counted(record: Any, tmp_path: Path) -> None:
    item = items(tmp_path, record)[0]
    assert isinstance(item, Annotation | Skipped)
    assert isinstance(item, Skipped) or item.relations == 1


OTHER = [
    {"_view_id": "choice", "options": [{"id": "A"}], "accept": ["A"], "spans": []},
    {"_view_id": "classification", "label": "SPAM"},
    {"_view_id": "choice", "spans": NAMED},
    {"_view_id": "classification", "label": "SPAM", "spans": NAMED[:1]},
    {"label": "SPAM", "spans": [{"start": 0, "end": 3, "pattern": 7}]},
    {"_view_id": "review", "options": [], "accept": [], "versions": []},
    {"_view_id": "html", "html": "<b>"},
    {"_view_id": "blocks", "options": [{"id": "A"}], "accept": ["A"]},
    {"_view_id": "image_manual"},
    {"label": "SPAM"},
    {"options": [], "accept": []},
]


@pytest.mark.parametrize("other", OTHER)
def test_a_prodigy_row_of_another_task_says_nothing_of_spans(
    other: dict[str, Any], tmp_path: Path
) -> None:
    (item,) = items(tmp_path, {"text": TEXT, "answer": "accept", **other})
    assert isinstance(item, Annotation)
    assert not item.about_spans


@pytest.mark.parametrize(
    "asked",
    [
        {"_view_id": "ner_manual"},
        {"_view_id": "blocks", "options": [], "accept": [], "tokens": []},
        {"spans": []},
        {},
        {"label": "PER", "spans": NAMED[:1]},
    ],
)
def test_a_prodigy_row_about_spans_may_have_none(asked: dict[str, Any], tmp_path: Path) -> None:
    (item,) = items(tmp_path, {"text": TEXT, "answer": "accept", **asked})
    assert isinstance(item, Annotation)
    assert item.about_spans
