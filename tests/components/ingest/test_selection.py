"""Which annotations are kept, and what several annotations of one text become."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import ConfigError
from components.ingest.settings import IngestSettings
from components.records.sources import Source, list_files
from components.settings import parse
from tests.components.ingest.exports import ENOUGH, Ingested, row
from tests.support.records import said

Ingest = Callable[..., Ingested]
Write = Callable[..., str]

DAY = 86400
ADA, BOB, EVE = ({"_annotator_id": name} for name in ("ada", "bob", "eve"))
TEXT = "Ask HMRC or DVLA"
HMRC, DVLA = (4, 8, "ORG"), (12, 16, "ORG")


def spans(done: Ingested) -> list[tuple[int, int, str]]:
    """The spans of the one record that a test is about."""
    (record,) = (record for record in done.records if record.text == TEXT)
    return [(span.start, span.end, span.label) for span in said(record).spans]


def test_answers(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Rejected", answer="reject"), row("Ignored", answer="ignore"))
    assert done.report["skipped"] == {"answer: reject": 1, "answer: ignore": 1}
    assert done.report["records"] == {"in": 4, "kept": 2, "skipped": 2, "quarantined": 0}


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_what_nobody_accepted_is_not_trained_as_truth(
    answer: str, ingest_rows: Ingest, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = json.dumps({"select": {"answers": ["accept", answer]}})
    with pytest.raises(ConfigError, match=f"answers: {answer}: whoever rejected or ignored"):
        parse(IngestSettings, settings, "--settings")
    done = ingest_rows(row(TEXT, HMRC, answer=answer))
    assert TEXT not in [record.text for record in done.records]
    assert done.report["skipped"] == {f"answer: {answer}": 1}


def test_a_rejected_record_may_be_broken(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Rejected", (4, 99, "ORGG"), answer="reject"))
    assert done.quarantine == []
    assert done.code == 0


def test_answer_that_is_none_of_the_three(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Maybe", answer="maybe"))
    assert [q["reason"] for q in done.quarantine] == ["missing_answer"]


def test_rows_without_spans_are_kept(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("No spans key", spans=None))
    assert said(done.records[2]).spans == []


def test_include_and_exclude_by_meta_and_tag(ingest_rows: Ingest) -> None:
    rows = [
        row("Guide", meta={"kind": {"name": "guide"}}),
        row("Form", meta={"kind": {"name": "form"}}),
        row("Draft guide", meta={"kind": {"name": "guide"}, "tags": ["draft"]}),
    ]
    select = {"include": {"meta.kind.name": ["guide"]}, "exclude": {"tags": ["draft"]}}
    done = ingest_rows(*rows, select=select, required=[])
    assert done.report["skipped"] == {"include: meta.kind.name": 3, "exclude: tags": 1}


@pytest.mark.parametrize("spelt", [True, "true"])
def test_values_of_meta_compare_as_json_spells_them(ingest_rows: Ingest, spelt: object) -> None:
    rows = [row("One", meta={"live": True}), row("Two", meta={"live": False, "n": 3})]
    select = {"exclude": {"meta.live": [spelt], "meta.n": [3]}}
    done = ingest_rows(*rows, select=select)
    assert done.report["skipped"] == {"exclude: meta.live": 1, "exclude: meta.n": 1}
    assert "unmatched_filter" not in done.kinds()


def test_a_filter_that_selects_nothing_is_reported(ingest_rows: Ingest) -> None:
    select = {"exclude": {"meta.live": ["True", False]}}
    done = ingest_rows(
        row("One", meta={"live": True}), row("Two", meta={"live": False}), select=select
    )
    problem = done.problem("unmatched_filter")
    assert (problem["count"], problem["policy"]) == (1, "warn")
    assert problem["examples"][0]["detail"] == "no record has 'True'"


def test_a_row_of_another_task_neither_replaces_nor_outvotes(ingest_rows: Ingest) -> None:
    other = {"options": [], "accept": [], "_view_id": "choice", "spans": None, **ADA}
    done = ingest_rows(
        row(TEXT, HMRC, **ADA, _timestamp=1), row(TEXT, **other, _timestamp=9), row(TEXT, **other)
    )
    assert spans(done) == [HMRC]
    assert done.report["skipped"] == {"row of another task": 2}


def test_dates(ingest_rows: Ingest) -> None:
    rows = [
        row("Early", _timestamp=1 * DAY - 1),
        row("On time", _timestamp=1 * DAY),
        row("Last minute", _timestamp=3 * DAY - 1),
        row("Late", _timestamp=3 * DAY),
        row("Beyond all dates", _timestamp=1e18),
        row("Beyond all numbers", _timestamp=10**400),
    ]
    done = ingest_rows(*rows, select={"since": "1970-01-02", "until": "1970-01-03"})
    assert done.report["skipped"] == {
        "date unknown": 4,
        "before 1970-01-02": 1,
        "after 1970-01-03": 1,
    }


def test_a_decomposed_label_is_the_composed_one(write: Write, ingest: Ingest) -> None:
    """As macOS writes an accent: the two look the same to whoever reads them."""
    decomposed = "CAFE\N{COMBINING ACUTE ACCENT}"
    composed = "CAF\N{LATIN CAPITAL LETTER E WITH ACUTE}"
    path = write([row(f"Ask Ada {n}", (4, 7, decomposed)) for n in range(2)])
    for labels, rename in (([composed], {}), (["PLACE"], {decomposed: "PLACE"})):
        done = ingest(path, labels=labels, select={"rename": rename})
        assert done.code == 0
        assert {span.label for record in done.records for span in said(record).spans} == {*labels}


def test_rename_drop_and_keep(ingest_rows: Ingest) -> None:
    rows = [row(TEXT, (4, 8, "COMPANY"), (12, 16, "AGENCY"))]
    done = ingest_rows(*rows, select={"rename": {"COMPANY": "ORG"}, "drop": ["AGENCY"]})
    assert spans(done) == [HMRC]
    done = ingest_rows(*rows, select={"keep": ["ORG", "PERSON"]})
    assert spans(done) == []
    assert done.code == 0


@pytest.mark.parametrize(
    "select",
    [
        {"keep": ["A"], "drop": ["A"]},
        {"since": "2025-02-01", "until": "2025-01-01"},
        {"include": {"score": ["1"]}},
        {"answers": []},
        {"answers": ["maybe"]},
    ],
)
def test_select_that_contradicts_itself(select: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--settings: select"):
        parse(IngestSettings, json.dumps({"select": select}), "--settings")


def test_review_wins(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        row(TEXT, HMRC, **ADA),
        row(TEXT, DVLA, _view_id="review", **BOB),
        row(TEXT, HMRC, **EVE),
    )
    assert spans(done) == [DVLA]
    assert done.report["skipped"] == {"another annotation was reviewed": 2}


def test_prodigy_versions_mean_that_it_was_reviewed(ingest_rows: Ingest) -> None:
    done = ingest_rows(row(TEXT, HMRC, versions=[{}]), select={"reviewed": True}, required=[])
    assert spans(done) == [HMRC]
    assert done.report["skipped"] == {"not reviewed": 2}


def test_priority_of_annotators(ingest_rows: Ingest) -> None:
    rows = [row(TEXT, HMRC, **ADA), row(TEXT, DVLA, **BOB), row(TEXT, HMRC, **EVE)]
    done = ingest_rows(*rows, select={"annotators": ["zoe", "bob"]})
    assert spans(done) == [DVLA]
    assert done.report["skipped"] == {"another annotator has priority": 2}
    assert done.problem("unknown_annotator")["first"] == ["zoe"]


def test_the_newest_of_one_annotator(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        row(TEXT, DVLA, _timestamp=2 * DAY, **ADA), row(TEXT, HMRC, _timestamp=1 * DAY, **ADA)
    )
    assert spans(done) == [DVLA]
    assert done.report["skipped"] == {"annotated again by the same annotator": 1}
    assert "conflicting_annotations" not in done.kinds()


def test_majority_per_span(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        row(TEXT, HMRC, DVLA, **ADA), row(TEXT, HMRC, **BOB), row(TEXT, HMRC, DVLA, **EVE)
    )
    assert spans(done) == [HMRC, DVLA]
    assert done.problem("conflicting_annotations")["policy"] == "warn"


def test_the_newest_decides_a_tie(ingest_rows: Ingest) -> None:
    rows = [row(TEXT, HMRC, _timestamp=9, **ADA), row(TEXT, DVLA, _timestamp=3, **BOB)]
    assert spans(ingest_rows(*rows)) == [HMRC]


def test_a_vote_over_different_tokens_ends_on_those_that_stay(ingest_rows: Ingest) -> None:
    text = "Ask Syrian-led groups"
    coarse = [{"start": 0, "end": 3}, {"start": 4, "end": 14}, {"start": 15, "end": 21}]
    done = ingest_rows(
        row(text, (4, 10, "ORG"), _timestamp=1, **ADA),
        row(text, (4, 10, "ORG"), (15, 21, "ORG"), _timestamp=2, **BOB),
        row(text, tokens=coarse, _timestamp=3, **EVE),
    )
    (record,) = (record for record in done.records if record.text == text)
    assert record.tokens == [(0, 3), (4, 14), (15, 21)]
    assert [(s.start, s.end) for s in said(record).spans] == [(4, 14)]


def test_conflicts_can_stop_the_run(ingest_rows: Ingest) -> None:
    rows = [row(TEXT, HMRC, **ADA), row(TEXT, DVLA, **BOB)]
    done = ingest_rows(*rows, conflicts="fail")
    assert done.code == 3
    assert done.problem("conflicting_annotations")["policy"] == "stop"


def test_same_spans_twice_are_no_conflict(ingest_rows: Ingest) -> None:
    done = ingest_rows(row(TEXT, HMRC), row(TEXT, HMRC))
    assert done.report["skipped"] == {"same text, same answers": 1}


def test_the_input_hash_is_not_trusted(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("One text", _input_hash=7), row("Another", _input_hash=7))
    assert len(done.records) == 4


def test_agreement_between_annotators(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        row(TEXT, HMRC, DVLA, **ADA),
        row(TEXT, HMRC, **BOB),
        row("Ask Ada", (4, 7, "PERSON"), **ADA),
        row("Ask Ada", (4, 7, "ORG"), **BOB),
        row(TEXT, DVLA, _view_id="review", **EVE),
    )
    agreement = done.report["tasks"]["ner"]["agreement"]
    assert agreement["texts"] == 2
    assert agreement["annotators"] == ["ada", "bob"]
    assert agreement["f"] == pytest.approx(2 * 1 / 5)
    assert agreement["labels"]["ORG"]["f"] == pytest.approx(2 * 1 / 4)
    assert agreement["labels"]["PERSON"]["f"] == 0


@pytest.mark.parametrize(
    ("more", "split"),
    [
        ({"meta": {"split": "test"}}, "test"),
        ({"meta": {"tags": ["checked", "dev"]}}, "dev"),
        ({"tags": ["train"]}, "train"),
        ({"meta": {"tag": "other"}}, ""),
        ({"meta": {"tags": ["dev", "test"]}}, "test"),
        ({"meta": None}, ""),
    ],
)
def test_sides_that_a_team_chose(more: dict[str, Any], split: str, ingest_rows: Ingest) -> None:
    assert ingest_rows(row(TEXT, HMRC, **more)).records[2].split == split


# Binary answers, in the shape of a real ner.teach export: no tokens, an answer in each span.


def taught(answer: str, *spans: tuple[int, int, str, str], **more: Any) -> dict[str, Any]:
    return {
        "text": TEXT,
        "spans": [
            {"start": a, "end": b, "text": TEXT[a:b], "label": label, "answer": own}
            for a, b, label, own in spans
        ],
        "answer": answer,
        **more,
    }


def test_binary_answers_are_kept_apart_and_merged(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        taught("accept", (*HMRC, "accept")),
        taught("reject", (0, 3, "ORG", "reject")),
        taught("ignore", (*DVLA, "ignore")),
    )
    record = done.records[2]
    assert not said(record).complete
    assert spans(done) == [HMRC]
    assert [(s.start, s.end) for s in said(record).rejected] == [(0, 3)]
    assert done.report["tasks"]["ner"]["partial"] == {"documents": 1, "accepted": 1, "rejected": 1}
    assert done.report["records"] == {"in": 5, "kept": 3, "skipped": 2, "quarantined": 0}


def test_a_full_annotation_outweighs_binary_ones(ingest_rows: Ingest) -> None:
    done = ingest_rows(taught("accept", (*DVLA, "accept")), row(TEXT, HMRC))
    assert spans(done) == [HMRC]
    assert said(done.records[2]).complete
    assert done.report["skipped"] == {"partial annotation of a text that has a full one": 1}


def test_span_answers_count_more_than_the_record_s(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        taught("accept", (*HMRC, "reject"), (*DVLA, "accept"), (0, 3, "PERSON", "ignore"))
    )
    record = done.records[2]
    assert spans(done) == [DVLA]
    assert [(s.start, s.end, s.label) for s in said(record).rejected] == [HMRC]
    assert done.problem("span_answer_differs")["count"] == 1


def test_contradicting_binary_answers(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        taught("reject", (*HMRC, "reject"), _timestamp=9),
        taught("accept", (*HMRC, "accept"), _timestamp=3),
    )
    assert spans(done) == []
    assert len(said(done.records[2]).rejected) == 1
    assert done.problem("conflicting_annotations")["count"] == 1


def test_newer_exports_say_that_they_are_binary(ingest_rows: Ingest) -> None:
    done = ingest_rows(row(TEXT, HMRC, _is_binary=True, answer="reject"))
    assert [(s.start, s.end, s.label) for s in said(done.records[2]).rejected] == [HMRC]


def test_answers_left_in_a_manual_export_are_not_binary(ingest_rows: Ingest) -> None:
    done = ingest_rows(taught("accept", (*HMRC, "accept"), _view_id="ner_manual"))
    assert said(done.records[2]).complete


def test_binary_answer_about_nothing(ingest_rows: Ingest) -> None:
    done = ingest_rows(row(TEXT, _is_binary=True))
    assert len(done.records) == 2
    assert done.report["skipped"] == {"partial annotation without a span": 1}


def test_a_source_may_say_the_split_and_its_answers_are_the_only_ones_of_its_texts(
    write: Write, ingest: Ingest
) -> None:
    text, ada = "Ada met Bob", (0, 3, "PERSON")
    shared = [row(a, *spans) for a, spans in ENOUGH]
    write([*shared, row(text, ada, _annotator_id="x"), row("Eve", (0, 3, "ORG"))], "a.jsonl")
    held = [row(text, (8, 11, "PERSON"), meta={"split": "train"}), row("Finn", (0, 4, "PERSON"))]
    path = write(held, "held.jsonl")
    folder = Path(path).parent
    done = ingest(str(folder / "*.jsonl"), splits={path: "test"})
    assert done.code == 0
    by_text = {record.text: record for record in done.records}
    assert {name: by_text[name].split for name in (text, "Finn", "Eve")} == {
        text: "test",
        "Finn": "test",
        "Eve": "",
    }
    assert [(span.start, span.end) for span in by_text[text].answers["ner"].spans] == [(8, 11)]
    assert done.report["splits"] == {"test": 2}
    assert done.report["skipped"] == {"the text is in a test set, whose answers count": 1}
    assert "in test, as the annotations say" in done.page


def test_two_sources_may_not_say_two_splits_of_a_file(write: Write) -> None:
    path = write([row(TEXT)])
    every = str(Path(path).parent / "*.jsonl")
    [file] = list_files([Source(path=path, split="dev"), Source(path=every)])
    assert file.split == "dev"
    with pytest.raises(ConfigError, match="is said to be of dev and of test"):
        list_files([Source(path=path, split="dev"), Source(path=every, split="test")])
