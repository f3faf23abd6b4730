"""What becomes of the spans of each label is counted, and stops the run where it is too much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.components.ingest.exports import ENOUGH, Ingested, row

Ingest = Callable[..., Ingested]


def labels(done: Ingested) -> dict[str, dict[str, Any]]:
    (task,) = done.report["tasks"].values()
    return dict(task["labels"])


def test_each_label_has_an_account(ingest_rows: Ingest) -> None:
    done = ingest_rows(
        row("Ask HMRC now", (4, 7, "ORG")),
        row("Ask Ada Byron", (4, 7, "PERSON"), (4, 13, "PERSON")),
        row("Ask DVLA", (4, 99, "ORG")),
    )
    account = labels(done)
    assert account["ORG"] == {
        "count": 3,
        "documents": 3,
        "annotated": 4,
        "expanded": 1,
        "contracted": 0,
        "dropped": 0,
        "refused": 1,
        "examples": [{"position": "export.jsonl:3", "detail": "ORG 'HMR' expanded to 'HMRC'"}],
    }
    assert account["PERSON"]["dropped"] == 1
    assert account["PERSON"]["annotated"] == account["PERSON"]["count"] + 1


def test_too_many_moved_spans_of_a_label_stop_with_the_likely_cause(ingest_rows: Ingest) -> None:
    done = ingest_rows(row("Ask HMRC now", (4, 7, "ORG")), max_moved=0.02)
    assert done.code == 3
    problem = done.problem("moved_spans")
    assert problem["first"] == ["ORG"]
    said = problem["examples"][0]["detail"]
    assert said.startswith("1 of 3 spans (33.3%): the records' own tokens are not those")
    done = ingest_rows(row("Ask HMRC now", (4, 7, "ORG"), tokens=None), max_moved=0.02)
    assert "the tokeniser of `language`" in done.problem("moved_spans")["examples"][0]["detail"]
    assert ingest_rows(row("Ask HMRC now", (4, 7, "ORG")), max_moved=0.34).code == 0


def test_a_script_without_spaces_needs_a_language_that_knows_it(ingest_rows: Ingest) -> None:
    """As English each clause would be one token, and each entity a clause."""
    chinese = row("王小明在北京工作。", (0, 3, "PERSON"), (4, 6, "ORG"), tokens=None)
    done = ingest_rows(chinese)
    assert done.code == 3
    assert done.problem("wrong_language")["examples"][0]["detail"] == "`language` is en"
    done = ingest_rows(chinese, language="zh")
    assert done.code == 0
    (record,) = (record for record in done.records if record.text.startswith("王"))
    (spans,) = (answers.spans for answers in record.answers.values())
    assert [record.text[span.start : span.end] for span in spans] == ["王小明", "北京"]
    assert labels(done)["PERSON"]["expanded"] == 0


def test_of_several_labels_in_one_place_the_first_in_the_config_stays(
    write: Callable[..., str], ingest: Ingest
) -> None:
    rows = [row(text, *spans, *((a, b, "NAME") for a, b, _ in spans)) for text, spans in ENOUGH]
    done = ingest(write(rows), labels=["ORG", "PERSON", "NAME"], required=[])
    assert labels(done)["NAME"]["count"] == 0
    assert labels(done)["ORG"]["count"] == 2
    problem = done.problem("several_labels")
    assert (problem["policy"], problem["count"]) == ("warn", 4)
    assert "overlaps ORG 'HMRC', which stays" in str(problem["examples"])


def test_a_label_that_loses_every_span_stops(write: Callable[..., str], ingest: Ingest) -> None:
    rows = [row(text, *spans, *((a, b, "NAME") for a, b, _ in spans)) for text, spans in ENOUGH]
    done = ingest(write(rows), labels=["ORG", "PERSON", "NAME"], required=[])
    assert done.code == 3
    said: dict[str, Any] = done.problem("lost_label")
    assert said["first"] == ["NAME"]
    assert said["examples"][0]["detail"] == "4 annotated, 4 dropped"
