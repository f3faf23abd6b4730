"""Label Studio: which field is the text, what offsets run over, and tasks without an entity."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.ingest.readers.labelstudio import read_items
from components.records.annotation import Annotation, Item, Refused
from components.records.sources import SourceFile

TEXT = "Ada Byron left Acme"
NOTE = "A note, filed in May and read by nobody"
SPANS = [(0, 9, "PER"), (15, 19, "ORG")]

Said = tuple[str, list[tuple[str, str | None]]]


def result(start: Any, end: Any, label: str, text: str | None, **more: Any) -> dict[str, Any]:
    kind = more.pop("kind", "labels")
    value = {"start": start, "end": end, kind: [label], **more.pop("value", {})}
    value |= {"text": text} if text else {}
    return {"type": kind, "from_name": "ner", "to_name": "text", "value": value, **more}


def task(data: Any, *results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": data, "annotations": [{"result": [*results], **more}]}


def marked(typed: bool = True, **more: Any) -> list[dict[str, Any]]:
    return [result(a, b, label, TEXT[a:b] if typed else None, **more) for a, b, label in SPANS]


def read(*tasks: Any, text: str = "") -> list[Item]:
    lines = [(number, json.dumps(one).encode()) for number, one in enumerate(tasks, start=1)]
    return list(read_items("a.json", lines, SourceFile("a.json", "labelstudio", text)))


def said(item: Item) -> Said:
    assert isinstance(item, Annotation)
    return item.text, [(item.text[span.start : span.end], span.label) for span in item.spans]


RIGHT = (TEXT, [("Ada Byron", "PER"), ("Acme", "ORG")])


@pytest.mark.parametrize(
    ("data", "results"),
    [
        ({"r_TEXT": TEXT, "url": "https://x.org/1", "source": "letter-1"}, marked()),
        ({"text": NOTE, "body": TEXT}, marked()),
        ({"text": NOTE, "body": TEXT}, marked(typed=False, to_name="body")),
        ({"text": "A note", "body": TEXT}, marked(typed=False)),
        ({"text": TEXT, "copy": TEXT}, marked(to_name="text")),
    ],
)
def test_the_text_is_the_field_that_the_spans_fit(
    data: dict[str, Any], results: list[dict[str, Any]]
) -> None:
    (item,) = read(task(data, *results))
    assert said(item) == RIGHT


def test_a_task_that_proves_nothing_follows_the_others_of_its_file() -> None:
    """Without spans, or with spans that fit several fields, before the first that does."""
    free = task({"text": NOTE, "body": "Nobody left"})
    loose = task({"text": NOTE, "body": TEXT}, result(0, 9, "PER", None))
    proof = task({"text": NOTE, "body": TEXT}, *marked())
    assert [said(item)[0] for item in read(free, loose, proof)] == ["Nobody left", TEXT, TEXT]


def test_fields_that_nothing_tells_apart_are_named_and_the_config_may_say() -> None:
    loose = task({"body": NOTE, "title": NOTE[::-1]}, result(0, 6, "PER", None))
    (refused,) = read(loose)
    assert isinstance(refused, Refused)
    assert refused.kind == "unknown_text"
    assert "body, title" in refused.detail
    (item,) = read(loose, text="title")
    assert said(item)[0] == NOTE[::-1]


@pytest.mark.parametrize(
    "link", ["https://x.org/a.txt", "s3://b/a.txt", "/data/upload/1/a.txt", "gs://b/a b"[:8]]
)
def test_a_text_that_lies_elsewhere_is_refused(link: str) -> None:
    (refused,) = read(task({"text": link, "id": 7}, result(0, 3, "PER", "Ada")))
    assert isinstance(refused, Refused)
    assert refused.kind == "text_elsewhere"
    assert link in refused.detail


@pytest.mark.parametrize("kind", ["labels", "hypertextlabels"])
def test_hypertext_is_its_visible_text(kind: str) -> None:
    html = (
        f"<style>p {{}}</style><p>{TEXT.replace(' left', '</b> left').replace('Ada', '<b>Ada')}</p>"
    )
    results = [
        result(
            "/p[1]/text()[1]",
            "/p[1]/text()[1]",
            label,
            TEXT[a:b],
            kind=kind,
            value={"globalOffsets": {"start": a, "end": b}, "startOffset": 0, "endOffset": 1},
        )
        for a, b, label in SPANS
    ]
    item, free = read(task({"text": html}, *results), task({"text": "<p>Nobody &amp; none</p>"}))
    assert said(item) == RIGHT
    assert said(free) == ("Nobody & none", [])
    del results[0]["value"]["text"]
    (refused,) = read(task({"text": html}, *results))
    assert isinstance(refused, Refused)
    assert refused.kind == "unproven_offsets"


def test_paragraphs_are_lines_of_one_text() -> None:
    dialogue = [{"author": "A", "text": "Hello."}, {"author": "B", "text": TEXT}]
    results = [
        result(
            "1",
            "1",
            label,
            TEXT[a:b],
            kind="paragraphlabels",
            value={"startOffset": a, "endOffset": b},
        )
        for a, b, label in SPANS
    ]
    (item,) = read(task({"dialogue": dialogue}, *results))
    assert said(item) == (f"Hello.\n{TEXT}", RIGHT[1])


def test_a_task_without_a_label_has_no_entity_where_others_have() -> None:
    choice = {"type": "choices", "value": {"choices": ["Spam"]}}
    free = task({"text": "Nobody left"}, choice)
    assert [said(item) for item in read(free, task({"text": TEXT}, *marked()))] == [
        ("Nobody left", []),
        RIGHT,
    ]
    (alone,) = read(free)
    # A file of classes alone says nothing about entities: not that there are none.
    assert isinstance(alone, Annotation)
    assert not alone.about_spans


def test_an_annotation_with_its_task_inside_is_read() -> None:
    """As Label Studio writes them to a bucket, one a file."""
    stored = {
        "id": 1,
        "result": marked(),
        "completed_by": {"email": "a@b"},
        "task": {"data": {"text": TEXT}},
    }
    (item,) = read(stored)
    assert said(item) == RIGHT
    assert isinstance(item, Annotation)
    assert item.annotator == "a@b"
