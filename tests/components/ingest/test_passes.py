"""Passes of one label each over the same texts are united; annotators who disagree are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.components.ingest.exports import Ingested, row

Ingest = Callable[..., Ingested]
Write = Callable[..., str]
Spans = list[tuple[int, int, str]]

TEXTS = ["Ada left Acme in May", "Bo joined Acme", "Ada met Bo", "Nobody came"]
PERSONS: list[Spans] = [[(0, 3, "PERSON")], [(0, 2, "PERSON")], [(0, 3, "PERSON")], []]
ORGS: list[Spans] = [[(9, 13, "ORG")], [(10, 14, "ORG")], [], []]


def rows(spans: list[Spans], **more: Any) -> list[dict[str, Any]]:
    return [row(text, *each, **more) for text, each in zip(TEXTS, spans, strict=True)]


def spans_of(done: Ingested) -> list[Spans]:
    return [
        [
            (span.start, span.end, span.label)
            for said in record.answers.values()
            for span in said.spans
        ]
        for record in done.records
    ]


def known(done: Ingested) -> list[list[str] | None]:
    return [said.known for record in done.records for said in record.answers.values()]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"_session_id": "ada", "_timestamp": 1}, {"_session_id": "ada", "_timestamp": 2}),
        ({"_session_id": "ada"}, {"_session_id": "bob"}),
    ],
)
def test_passes_are_united(first: Any, second: Any, write: Write, ingest: Ingest) -> None:
    done = ingest(write([*rows(PERSONS, **first), *rows(ORGS, **second)]), required=[])
    assert done.code == 0
    assert spans_of(done) == [sorted(a + b) for a, b in zip(PERSONS, ORGS, strict=True)]
    assert known(done) == [None] * 4
    assert done.report["skipped"] == {"united with another pass over the same text": 4}
    assert done.problem("united_passes")["examples"][0]["detail"] == "ORG; PERSON"
    assert "conflicting_annotations" not in done.kinds()


def test_files_are_passes_where_they_are_over_other_texts(write: Write, ingest: Ingest) -> None:
    """Of a text that one file alone has, the first annotation may be of any pass."""
    persons = write(rows(PERSONS)[:3], "persons.jsonl")
    extra = [row("Acme closed", (0, 4, "ORG")), row("Acme grew", (0, 4, "ORG"))]
    orgs = write([*rows(ORGS)[:2], *extra], "orgs.jsonl")
    done = ingest(persons, orgs, required=[])
    assert spans_of(done) == [
        *(PERSONS[n] + ORGS[n] for n in range(2)),
        PERSONS[2],
        *[[(0, 4, "ORG")]] * 2,
    ]
    assert known(done) == [None, None, ["PERSON"], ["ORG"], ["ORG"]]


def test_where_a_text_lacks_a_pass_its_labels_are_unknown(write: Write, ingest: Ingest) -> None:
    done = ingest(write([*rows(PERSONS), *rows(ORGS)[:2]]), required=[])
    assert spans_of(done) == [PERSONS[0] + ORGS[0], PERSONS[1] + ORGS[1], PERSONS[2], []]
    assert known(done) == [None, None, ["PERSON"], ["PERSON"]]


def test_two_annotators_of_each_pass_vote_within_it(write: Write, ingest: Ingest) -> None:
    ada, bob = {"_session_id": "ada"}, {"_session_id": "bob"}
    passes = [*rows(PERSONS, **ada), *rows(PERSONS, **bob), *rows(ORGS, **ada), *rows(ORGS, **bob)]
    done = ingest(write(passes), required=[])
    assert spans_of(done) == [sorted(a + b) for a, b in zip(PERSONS, ORGS, strict=True)]
    records = done.report["records"]
    assert records["in"] == records["kept"] + records["skipped"]


def test_a_pass_that_contradicts_another_once_is_reported(write: Write, ingest: Ingest) -> None:
    texts = [f"Ada left Acme {n}" for n in range(12)]
    persons = [row(text, (0, 3, "PERSON")) for text in texts]
    orgs = [row(text, (9, 13, "ORG")) for text in texts[:-1]] + [row(texts[-1], (0, 3, "ORG"))]
    done = ingest(write([*persons, *orgs]))
    assert spans_of(done)[-1] == [(0, 3, "ORG")]  # the newer pass
    assert done.problem("conflicting_annotations")["count"] == 1
    assert ingest(write([*persons, *orgs]), conflicts="fail").code == 3


@pytest.mark.parametrize(
    "second",
    [
        [[(0, 3, "ORG")], [(0, 2, "ORG")], [], []],  # corrected: the same places
        [[(0, 3, "PERSON"), (9, 13, "ORG")], ORGS[1], [], []],  # a label in common
        [[], [], [], []],  # nothing at all
    ],
)
def test_annotators_who_disagree_are_no_passes(
    second: list[Spans], write: Write, ingest: Ingest
) -> None:
    done = ingest(write([*rows(PERSONS), *rows(second)]), required=[])
    assert "united_passes" not in done.kinds()
    assert "conflicting_annotations" in done.kinds()
