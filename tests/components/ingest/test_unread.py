"""What annotators said does not vanish: only what is wrong is left out, and all is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.ingest.rewrite import Account, rewritten
from components.records.record import Record
from components.records.sources import Copy, SourceFile
from tests.components.ingest.exports import Ingested, row
from tests.components.ingest.test_assertion import choice, regions

Write = Callable[..., str]
Ingest = Callable[..., Ingested]

PLACES = {"name": "places", "kind": "ner", "labels": ["CITY"]}
TOPIC = {"name": "topic", "kind": "textcat", "labels": ["tax", "visa"]}
TEXTS = ("Paris has a tax", "Rome has a visa", "Bonn has a tax", "Oslo has a visa")


def both(text: str, *accept: str, **more: Any) -> dict[str, Any]:
    """A row of Prodigy's blocks: a city, and a choice of topic."""
    options = [{"id": "tax", "text": "tax"}, {"id": "visa", "text": "visa"}]
    fields = {"options": options, "accept": [*accept], "_view_id": "blocks"}
    return row(text, (0, text.index(" "), "CITY"), **fields, **more)


@pytest.fixture
def kept(write: Write, ingest: Ingest) -> Callable[..., Ingested]:
    """The run over four good rows and some others."""

    def kept(*rows: dict[str, Any], **settings: Any) -> Ingested:
        good = [both(text, text.split()[-1]) for text in TEXTS]
        return ingest(write([*good, *rows]), tasks=json.dumps([PLACES, TOPIC]), **settings)

    return kept


def of(done: Ingested, text: str) -> Record | None:
    return next((record for record in done.records if record.text == text), None)


@pytest.mark.parametrize(
    ("accept", "why"), [((), "no_choice"), (("tax", "visa"), "several_choices")]
)
def test_a_wrong_choice_takes_no_entity_with_it(
    kept: Callable[..., Ingested], accept: tuple[str, ...], why: str
) -> None:
    done = kept(both("Lima has both", *accept))
    record = of(done, "Lima has both")
    assert record and [*record.answers] == ["places"]
    assert [span.label for span in record.answers["places"].spans] == ["CITY"]
    counts = done.report["records"]
    assert (counts["in"], counts["kept"], counts["quarantined"]) == (5, 5, 0)
    assert done.report["tasks"]["topic"]["quarantined"] == {why: 1}
    assert done.report["tasks"]["places"]["quarantined"] == {}
    [line] = done.quarantine
    assert (line["task"], line["reason"]) == ("topic", why)
    assert f"Kept without topic: 1 ({why})" in done.summary
    assert "Kept without topic" in done.page


def test_a_wrong_span_takes_no_choice_with_it(kept: Callable[..., Ingested]) -> None:
    bad = both("Lima has a tax", "tax")
    bad["spans"][0]["end"] = 400
    done = kept(bad)
    record = of(done, "Lima has a tax")
    assert record and record.answers["topic"].cats == {"tax": True, "visa": False}
    assert "places" not in record.answers
    assert done.report["tasks"]["places"]["quarantined"] == {"bad_offsets": 1}
    assert done.report["tasks"]["places"]["labels"]["CITY"]["refused"] == 1


def test_a_record_of_which_nothing_is_right_is_left_out_whole(
    kept: Callable[..., Ingested],
) -> None:
    bad = both("Lima has both", "tax", "visa")
    bad["spans"][0]["end"] = 400
    done = kept(bad)
    assert of(done, "Lima has both") is None
    assert done.report["records"]["quarantined"] == 1
    assert "task" not in done.quarantine[0]


def test_too_many_wrong_answers_to_one_task_stop_the_run(kept: Callable[..., Ingested]) -> None:
    done = kept(both("Lima has both"), max_quarantined=0.1)
    assert done.code == 3
    problem = done.problem("too_many_quarantined")
    assert problem["first"] == ["topic"]
    assert "20.0% of the records (1 no_choice)" in problem["examples"][0]["detail"]


def test_what_is_rejected_as_a_whole_says_nothing_of_its_parts(
    kept: Callable[..., Ingested],
) -> None:
    done = kept(both("Lima has a tax", "visa", answer="reject"))
    assert of(done, "Lima has a tax") is None
    assert done.report["skipped"] == {"answer: reject": 1}


def test_a_key_of_spans_that_no_task_reads_is_counted(write: Write, ingest: Ingest) -> None:
    """Whether all rows and spans have it, some or none."""
    plain = [row(text, (0, text.index(" "), "CITY")) for text in TEXTS]
    for count in (1, 3, 4):
        rows = json.loads(json.dumps(plain))
        for each in rows[:count]:
            each["spans"][0] |= {"certainty": "low", "source": "a model", "note": None}
        done = ingest(write(rows), tasks=json.dumps([PLACES]), required=[])
        problem = done.problem("span_keys")
        assert (problem["count"], problem["policy"]) == (count, "warn")
        assert problem["examples"][0]["detail"] == "'certainty'"
    two = row("Paris and Rome", (0, 5, "CITY"), (10, 14, "CITY"))
    two["spans"][1]["certainty"] = "low"
    done = ingest(write([*plain, two]), tasks=json.dumps([PLACES]), required=[])
    assert done.problem("span_keys")["count"] == 1
    status = {"name": "status", "kind": "assertion", "of": "places", "labels": ["low", "high"]}
    named = json.dumps([PLACES, {**status, "key": "certainty"}])
    done = ingest(write([*plain, two]), tasks=named, required=[])
    assert "span_keys" not in done.kinds()


def test_what_no_task_of_the_phase_reads_is_counted(write: Write, ingest: Ingest) -> None:
    path = write([both(text, text.split()[-1]) for text in TEXTS])
    done = ingest(path, tasks=json.dumps([PLACES]), required=[])
    assert done.problem("unread_question")["count"] == 4
    done = ingest(path, tasks=json.dumps([TOPIC]), required=[])
    assert done.problem("unread_spans")["count"] == 4
    done = ingest(path, tasks=json.dumps([PLACES, TOPIC]), required=[])
    assert not {"unread_question", "unread_spans"} & done.kinds()


def test_answers_of_other_kinds_are_counted(write: Write, ingest: Ingest) -> None:
    task = regions((3, 8, "CITY"))
    task["annotations"][0]["result"] += [
        {"id": "q", "type": "rating", "value": {"rating": 3}},
        {"id": "r0", "type": "textarea", "value": {"text": ["why"]}},
    ]
    done = ingest(write(json.dumps([task]).encode()), tasks=json.dumps([PLACES]), required=[])
    problem = done.problem("other_answers")
    assert (problem["count"], problem["examples"][0]["detail"]) == (2, "rating, textarea")


def test_text_and_flags_of_prodigy_are_counted(write: Write, ingest: Ingest) -> None:
    said = {**row(TEXTS[0], (0, 5, "CITY")), "user_input": "twice", "flagged": True}
    none = {**row(TEXTS[1], (0, 4, "CITY")), "user_input": "", "flagged": False}
    lines = "\n".join(map(json.dumps, [said, none]))
    done = ingest(write(lines.encode()), tasks=json.dumps([PLACES]), required=[])
    problem = done.problem("other_answers")
    assert (problem["count"], problem["examples"][0]["detail"]) == (2, "user_input, flagged")


def test_of_brat_attributes_and_notes_are_counted(tmp_path: Path, ingest: Ingest) -> None:
    (tmp_path / "a.txt").write_text("Paris or Rome", encoding="utf-8")
    marks = "T1\tCITY 0 5\tParis\nT2\tCITY 9 13\tRome\nA1\tNegated T1\n#1\tAnnotatorNotes T1\twhy\n"
    (tmp_path / "a.ann").write_text(marks, encoding="utf-8")
    done = ingest(str(tmp_path / "a.ann"), tasks=json.dumps([PLACES]), required=[])
    assert done.problem("other_answers")["examples"][0]["detail"] == "attribute, note"


def test_converted_rows_keep_the_keys_of_spans(tmp_path: Path) -> None:
    rows = [row(text, (0, text.index(" "), "CITY")) for text in TEXTS[:2]]
    rows[0]["spans"][0] |= {"assertion": "absent", "sure": True}
    task = regions((3, 8, "CITY"))
    task["annotations"][0]["result"] += [choice("r0", "low"), {"type": "rating", "value": {}}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "task.json").write_text(json.dumps([task]), encoding="utf-8")
    account = Account()
    paths = [tmp_path / "rows.jsonl", tmp_path / "task.json"]
    copies = [Copy(SourceFile(str(path), "auto"), path, identity="") for path in paths]
    spans = [json.loads(line)["spans"][0] for line in rewritten(copies, account)]
    assert [(one.get("assertion"), one.get("sure")) for one in spans] == [
        ("absent", True),
        (None, None),
        ("low", None),
    ]
    assert [problem.kind for problem in account.problems.sorted()] == ["other_answers"]
