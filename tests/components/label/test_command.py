"""The stage `label`: which texts a teacher answers, what is learnt, and what is reviewed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from components.records.record import Answers, Record, Span, read_records, write_records
from components.registry import assignment, audit
from tests.support.all_kinds import write_all_kinds
from tests.support.tiny_textcat import train_tiny

TOPIC = [{"name": "topic", "kind": "textcat", "labels": ["TAX", "VISA"]}]
REMEMBERED = {"topic": {"component": "classes", "calibration": {"documents": 9}}}
GOLD = {
    "train": ["pay the tax on your wages today"],
    "dev": ["a visa for a visit of six months in the summer"],
    "test": ["a refund of tax that was paid twice by mistake"],
}
OUTPUTS = ("taught_set", "taught_assignment", "review", "audit", "label_report")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher") / "big"
    return train_tiny(folder, exclusive=True, remembered=REMEMBERED)


class Stage:
    """Runs `label` behind a split of its own."""

    def __init__(self, folder: Path, teacher: Path, tasks: list[dict[str, Any]] = TOPIC) -> None:
        self.folder, self.teacher, self.tasks = folder, teacher, tasks
        for split, texts in GOLD.items():
            write_records(
                folder / split,
                [
                    Record(f"{split}{n}", text, {"topic": Answers()}, meta={"page": split})
                    for n, text in enumerate(texts)
                ],
            )
        assignment.write(folder / "assignment", assignment.Stored(1, ["a" * 16], [], []))

    def pool(self, *rows: str | dict[str, Any], name: str = "pool.jsonl") -> Path:
        path = self.folder / name
        lines = [row if isinstance(row, dict) else {"text": row} for row in rows]
        path.write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")
        return path

    def arguments(self, *pools: Path, out: str = "out", **options: Any) -> list[str]:
        given = {
            "tasks": json.dumps(self.tasks),
            "teacher": self.teacher,
            "teacher-version": "big 3",
            "texts": json.dumps([str(pool) for pool in pools]),
            **{f"{split}-set": self.folder / split for split in GOLD},
            "assignment": self.folder / "assignment",
            **{name.replace("_", "-"): self.folder / out / name for name in OUTPUTS},
            **options,
        }
        return ["label", *(part for key, one in given.items() for part in (f"--{key}", str(one)))]

    def run(self, *pools: Path, settings: dict[str, Any] | None = None, **options: Any) -> int:
        return main(self.arguments(*pools, settings=json.dumps(settings or {}), **options))

    def silver(self, out: str = "out") -> list[Record]:
        return [one for one in read_records(self.folder / out / "taught_set") if one.silver]

    def report(self, out: str = "out") -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.folder / out / "label_report").read_text())
        return report

    def review(self) -> list[dict[str, Any]]:
        lines = (self.folder / "out/review").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def audited(self) -> list[audit.Audited]:
        return audit.read((self.folder / "out/audit").read_bytes(), "audit")


def test_silver_is_marked_and_stands_behind_the_annotations_of_train(
    teacher: Path, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, teacher)
    pool = stage.pool({"text": "tax tax tax", "meta": {"url": "x"}}, "passport visa")
    assert stage.run(pool) == 0
    first, *rest = read_records(tmp_path / "out/taught_set")
    assert (first.id, first.silver) == ("train0", "")
    assert [(one.text, one.silver, one.source) for one in rest] == [
        ("tax tax tax", "big 3", "pool.jsonl:1"),
        ("passport visa", "big 3", "pool.jsonl:2"),
    ]
    assert [one.answers["topic"].cats for one in rest] == [
        {"TAX": True, "VISA": False},
        {"TAX": False, "VISA": True},
    ]
    assert rest[0].meta == {"url": "x"}
    stored = assignment.read(tmp_path / "out/taught_assignment")
    assert stored.train == ["a" * 16]
    assert len(stored.silver) == 2


def test_what_is_annotated_or_near_dev_or_test_is_left_out_and_counted(
    teacher: Path, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, teacher)
    rows = [
        "Pay  the TAX on your wages today",  # annotated, but for case and spaces
        "a refund of tax that was paid twice by mistake, once more",
        "a visa for a visit of six months in the winter",
        {"text": "another page", "meta": {"page": "test"}},
        {"text": "page of train", "meta": {"page": "train"}},
        "something else",
        "Something else",
        " ",
    ]
    assert stage.run(stage.pool(*rows), **{"group-by": "meta.page"}) == 0
    assert [one.text for one in stage.silver()] == ["page of train", "something else"]
    report = stage.report()
    assert report["left_out"] == {
        "annotated": 1,
        "near a text of test": 1,
        "near a text of dev": 1,
        "same meta.page as a text of dev or test": 1,
        "there before": 1,
        "blank": 1,
    }
    assert (report["texts"], report["labelled"], report["learnt"]) == (8, 2, 2)


def words(number: int) -> str:
    """Texts that are not alike, of which a bag of words knows more or less."""
    known = ["tax tax tax", "visa visa visa", "tax visa", "wages"][number % 4]
    return f"{known} {chr(97 + number % 26) * 7} {number}"


def test_thresholds_route_texts_to_review_and_keep_only_what_they_are_asked_to(
    teacher: Path, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, teacher)
    pool = stage.pool(*map(words, range(40)))
    settings = {"accept": 0.53, "skip": 0.51, "audit": 4, "review": 3}
    assert stage.run(pool, settings=settings) == 0
    report = stage.report()
    assert report["accepted"] + report["doubtful"] + report["skipped"] == 40
    assert min(report["accepted"], report["doubtful"], report["skipped"]) >= 10
    assert report["learnt"] == len(stage.silver()) == 40
    assert report["review"] == {"drawn": 4, "doubtful": 3}
    rows = stage.review()
    assert len(rows) == 7
    # Nothing says which of them were drawn; none may come into dev or test.
    assert len({tuple(row) for row in rows}) == 1
    assert {tuple(row["meta"].items()) for row in rows} == {
        (("model", "big 3"), ("split", "train"))
    }
    assert len(stage.audited()) == 4
    assert stage.run(pool, settings={**settings, "keep": "accepted"}) == 0
    assert len(stage.silver()) == report["accepted"]
    stored = assignment.read(tmp_path / "out/taught_assignment")
    assert len(stored.silver) == report["accepted"]


def test_without_a_threshold_the_audit_is_drawn_from_all(teacher: Path, tmp_path: Path) -> None:
    stage = Stage(tmp_path, teacher)
    pool = stage.pool(*map(words, range(30)))
    assert stage.run(pool, settings={"audit": 5}) == 0
    drawn = {one.key for one in stage.audited()}
    assert len(stage.review()) == len(drawn) == 5
    assert stage.run(pool, settings={"audit": 5, "seed": 1}) == 0
    assert {one.key for one in stage.audited()} != drawn


KILLED = """
import os, signal, sys
from components.__main__ import main
from components.label.teacher import Teacher
label, asked = Teacher.label, []
def dying(self, texts):
    if len(asked) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    asked.append(texts)
    return label(self, texts)
Teacher.label = dying
main(sys.argv[1:])
"""


def test_a_killed_stage_asks_only_what_it_had_not_asked(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, teacher)
    pools = [stage.pool(*map(words, range(8 * n, 8 * n + 8)), name=f"{n}.jsonl") for n in range(4)]
    settings = json.dumps({"accept": 0.53, "audit": 3})
    assert main(stage.arguments(*pools, out="whole", settings=settings)) == 0
    again = stage.arguments(
        *pools, out="again", settings=settings, checkpoints=tmp_path / "checkpoints"
    )
    killed = subprocess.run([sys.executable, "-c", KILLED, *again], check=False)
    assert killed.returncode == -signal.SIGKILL
    [folder] = (tmp_path / "checkpoints").iterdir()
    assert [path.name for path in sorted(folder.iterdir())] == [
        "0000-000000.jsonl",
        "0001-000000.jsonl",
    ]
    capsys.readouterr()
    assert main(again) == 0
    assert "16 of them before an end" in capsys.readouterr().out
    for name in OUTPUTS:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not [*(tmp_path / "checkpoints").iterdir()]


def test_every_kind_is_taught_at_once(tmp_path: Path) -> None:
    folder = write_all_kinds(tmp_path / "notes", {"fever": "FINDING", "Smith": "PERSON"})
    tasks = [
        {"name": "entities", "kind": "ner", "labels": ["FINDING"]},
        {"name": "status", "kind": "assertion", "of": "entities", "labels": ["Absent", "Present"]},
        {"name": "parts", "kind": "spans", "labels": ["SCOPE", "OTHER"]},
        {"name": "topic", "kind": "textcat", "labels": ["LUNGS", "HEART"]},
    ]
    stage = Stage(tmp_path, folder, tasks)
    assert stage.run(stage.pool("no fever, Smith")) == 0
    [record] = stage.silver()
    said = record.answers
    assert said["entities"] == Answers(spans=[Span(3, 8, "FINDING")])
    # Of a label that the teacher does not know nobody knows anything; of an entity that is not
    # asked for there is no status.
    assert said["status"] == Answers(spans=[Span(3, 8, "Absent")], known=["Absent"])
    assert (said["parts"].known, len(said["parts"].spans)) == (["SCOPE"], 7)
    assert sorted(said["topic"].cats.values()) == [False, True]
    rows = stage.review()
    [marked] = [row for row in rows if row["_view_id"] == "blocks"]
    assert [(one["label"], one["assertion"]) for one in marked["spans"]] == [("FINDING", "Absent")]
    assert stage.report()["labels"]["parts"] == {"SCOPE": 7}


def test_a_teacher_that_does_not_say_how_sure_it_is_has_no_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_all_kinds(tmp_path / "notes", {"fever": "FINDING"})
    stage = Stage(tmp_path, folder, [{"name": "ner", "kind": "ner", "labels": ["FINDING"]}])
    assert stage.run(stage.pool("no fever"), settings={"accept": 0.5}) == 2
    assert "big 3 does not say how sure it is of the task ner" in capsys.readouterr().err


def test_annotators_are_asked_about_the_labels_of_the_phase_alone(tmp_path: Path) -> None:
    patterns = [{"label": "ORG", "pattern": "HMRC"}, {"label": "GPE", "pattern": "London"}]
    folder = train_tiny(tmp_path / "big", exclusive=True, remembered=REMEMBERED, entities=patterns)
    names = {"name": "names", "kind": "ner", "labels": ["ORG"]}
    stage = Stage(tmp_path, folder, [names, *TOPIC])
    assert stage.run(stage.pool("tax tax: HMRC in London")) == 0
    [record] = stage.silver()
    assert record.answers["names"] == Answers(spans=[Span(9, 13, "ORG")])
    [row] = stage.review()
    assert [(one["start"], one["end"], one["label"]) for one in row["spans"]] == [(9, 13, "ORG")]
    assert (row["accept"], row["_view_id"]) == (["TAX"], "blocks")
    assert [one["text"] for one in row["tokens"]][2:4] == [":", "HMRC"]


def test_a_teacher_of_something_else_is_refused(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, teacher, [{"name": "ner", "kind": "ner", "labels": ["ORG"]}])
    assert stage.run(stage.pool("a text")) == 2
    assert "big 3 knows no label of the task ner (ORG)" in capsys.readouterr().err


def test_texts_that_are_all_left_out_and_texts_that_changed_are_said(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, teacher)
    pool = stage.pool(*GOLD["test"])
    assert stage.run(pool) == 3
    assert "of no text an answer is left to learn" in capsys.readouterr().err
    assert stage.run(pool, **{"texts-digest": "0" * 64}) == 3
    assert "changed since `ingest` looked at them" in capsys.readouterr().err


def test_what_annotators_said_of_the_audit_is_measured(tmp_path: Path) -> None:
    def said(text: str, **cats: bool) -> Record:
        return Record("", text, {"topic": Answers(cats=cats)})

    def drawn(text: str, answers: Answers, task: str = "topic") -> audit.Audited:
        from components.records.keys import key_of, normalised

        return audit.Audited(f"{key_of(normalised(text), b'text'):016x}", "big 3", {task: answers})

    texts = [
        drawn("right", Answers(cats={"TAX": True, "VISA": False})),
        drawn("wrong", Answers(cats={"TAX": True, "VISA": False})),
        drawn("waiting", Answers(cats={"TAX": True, "VISA": False})),
        drawn("marked", Answers(spans=[Span(0, 6, "ORG")]), "names"),
        drawn("partly", Answers(spans=[Span(0, 6, "ORG")]), "names"),
    ]
    annotated = [
        said("Right", TAX=True, VISA=False),
        said("wrong", TAX=False),
        said("not drawn", TAX=True),
        Record("", "marked", {"names": Answers(spans=[Span(0, 6, "ORG")])}),
        Record("", "partly", {"names": Answers(spans=[Span(0, 6, "ORG")], complete=False)}),
    ]
    write_records(tmp_path / "annotations", annotated)
    measured = audit.measured(texts, tmp_path / "annotations", {"topic": "cats", "names": "ents"})
    topic, names = measured["topic"], measured["names"]
    assert (topic["texts"], topic["right"], topic["precision"], topic["waiting"]) == (2, 1, 0.5, 1)
    assert topic["interval"][0] < 0.5 < topic["interval"][1]
    assert (names["texts"], names["right"], names["waiting"]) == (1, 1, 1)
