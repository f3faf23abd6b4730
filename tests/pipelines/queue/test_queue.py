"""`retrain queue`: from a config and a pool to a file, and what becomes of its answers."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from components.errors import ConfigError
from components.ingest.collect import Collector
from components.ingest.settings import IngestSettings
from components.queue.making import lacking_labels
from components.records.keys import key_of, normalised
from components.records.record import Record
from components.records.sources import Copy, SourceFile
from components.records.sources import Source as AnnotationFile
from components.registry import assignment
from components.registry.base import Artefact
from components.registry.documents import ASSIGNMENT
from components.registry.lineage import Lineage
from components.registry.open import open_registry
from components.registry.promotion import promote
from components.tasks import task_of
from components.tasks.base import TaskSettings
from pipelines.cli import app
from pipelines.queue.known import known
from tests.support.tiny_ner import LABELS, make_docs, train_tiny

CONFIG = """\
name: letters
registry: models
phases:
  letters:
    labels: [ORG, DATE, MONEY, VESSEL]
    annotations: [annotations.jsonl]
    ingest: {required: []}
    train: {config: cnn}
    model: {name: ner-letters}
"""


def test_what_tests_is_known_by_the_last_split_and_by_tags(tmp_path: Path) -> None:
    rows = [
        {"text": "one", "meta": {"page": 1}},
        {"text": "two", "meta": {"page": 2}},
        {"text": "three", "meta": {"page": 3, "split": "test"}},
        {"text": "four", "meta": {"page": 4}},
    ]
    spans = [{"start": 0, "end": 3, "label": "OLD", "sure": "no"}]
    status = task_of(
        TaskSettings.model_validate(
            {"name": "s", "kind": "assertion", "of": "n", "key": "sure", "labels": ["yes", "no"]}
            | {"default": "yes"}
        )
    )
    write(tmp_path / "a.jsonl", [{**row, "answer": "accept", "spans": spans} for row in rows])
    keys = [f"{key_of(text, b'text'):016x}" for text in ("one", "two")]
    write(tmp_path / "b.jsonl", [{"text": "five", "meta": {"page": 5, "split": "train"}}])
    found = known(
        [
            AnnotationFile(path=str(tmp_path / "a.jsonl")),
            AnnotationFile(path=str(tmp_path / "b.jsonl"), split="test"),
        ],
        IngestSettings.model_validate({"select": {"rename": {"OLD": "NEW"}}}),
        [status],
        assignment.Stored(1, [], keys[:1], keys[1:]),
        "meta.page",
    )
    assert found.texts == ["one", "two", "three", "four", "five"]
    assert found.test == ["two", "three", "five"]
    assert found.groups == {"1", "2", "3", "5"}
    assert found.labels == {"NEW": 4, "no": 4}
    assert lacking_labels([status], found.labels) == {"no": 4}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config, annotations, and a model in production that knows which of them test it."""
    docs = make_docs(80)
    rows = [
        {"text": doc.text, "answer": "accept", "spans": [span(e) for e in doc.ents]} for doc in docs
    ]
    write(tmp_path / "annotations.jsonl", rows)
    test = f"{key_of(normalised(docs[0].text), b'text'):016x}"
    assignment.write(tmp_path / ASSIGNMENT, assignment.Stored(1, [], [], [test]))
    model = train_tiny(tmp_path / "trained", docs)
    registry = open_registry(str(tmp_path / "models"))
    lineage = Lineage(digest="1", run="r", created="now", decision="promote", scores={})
    registry.add("ner-letters", Artefact(model, {ASSIGNMENT: tmp_path / ASSIGNMENT}, lineage))
    promote(registry, "ner-letters", "1", "champion")
    (tmp_path / "my.yaml").write_text(CONFIG, encoding="utf-8")
    words = np.random.default_rng(0).permutation(2000).tolist()
    pool = [
        f"{a} said £{b} to the Cabinet Office of {c} {a * b} on {b} May"
        for a, b, c in zip(words[:100], words[100:200], words[200:300], strict=True)
    ]
    write(tmp_path / "pool.jsonl", [{"text": text} for text in [*pool, docs[0].text, docs[5].text]])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def span(entity: Any) -> dict[str, Any]:
    return {"start": entity.start_char, "end": entity.end_char, "label": entity.label_}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def queue(*options: str) -> str:
    words = ["queue", "my.yaml", "pool.jsonl", "-n", "20", *options]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def records_of(path: Path) -> list[Record]:
    """What `ingest` makes of a file of annotations."""
    collector = Collector(
        [task_of(TaskSettings(name="ner", labels=LABELS))], IngestSettings(required=[])
    )
    collector.read([Copy(SourceFile(str(path), "auto"), path, "")])
    return list(collector.finish())


def test_a_queue_for_prodigy_and_what_becomes_of_its_answers(project: Path) -> None:
    said = json.loads(queue("-o", "next.jsonl", "--json"))
    assert said["texts"] == 102
    assert said["candidates"] == 100
    assert said["left_out"] == {"annotated": 2}
    assert said["chosen"] == sum(said["why"].values()) == 20
    assert said["why"]["random"] == 2
    rows = [msgspec.json.decode(line) for line in Path("next.jsonl").read_bytes().splitlines()]
    assert {row["_view_id"] for row in rows} == {"ner_manual"}
    assert all({"tokens", "spans"} <= {*row} for row in rows)
    assert {row["meta"]["model"] for row in rows} == {"ner-letters 1"}
    write(project / "answers.jsonl", [{**row, "answer": "accept"} for row in rows])
    records = records_of(project / "answers.jsonl")
    assert len(records) == 20
    for record in records:
        assert record.split == ("" if record.meta["why"] == "random" else "train")
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    with chdir(elsewhere):
        words = ["queue", "../my.yaml", "../pool.jsonl", "-n", "20", "-o", "../there.jsonl"]
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert Path("there.jsonl").read_bytes() == Path("next.jsonl").read_bytes()
    printed = queue("-o", "again.jsonl")
    assert "prodigy ner.manual letters-ner blank:en again.jsonl --label" in printed
    assert Path("again.jsonl").read_bytes() == Path("next.jsonl").read_bytes()
    # A phase may say itself what the command is not told.
    mine = "    queue: {texts: [pool.jsonl], number: 20}\n"
    (project / "own.yaml").write_text(CONFIG + mine, encoding="utf-8")
    with chdir(elsewhere):
        words = ["queue", "../own.yaml", "-o", "../own.jsonl"]
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert Path("own.jsonl").read_bytes() == Path("next.jsonl").read_bytes()
    # What is answered is not asked again.
    write(project / "annotations.jsonl", [{**row, "answer": "ignore"} for row in rows])
    more = json.loads(queue("-o", "more.jsonl", "--json"))
    assert more["left_out"]["annotated"] == 20


def test_a_queue_for_label_studio_and_what_becomes_of_its_answers(project: Path) -> None:
    printed = queue("-o", "next.json", "--format", "labelstudio")
    assert "Import next.json" in printed
    tasks = json.loads(Path("next.json").read_text(encoding="utf-8"))
    assert len(tasks) == 20
    done = []
    for number, each in enumerate(tasks):
        [prediction] = each["predictions"]
        assert prediction["model_version"] == "ner-letters 1"
        assert {one["from_name"] for one in prediction["result"]} <= {"ner"}
        annotation = {"id": number, "result": prediction["result"], "completed_by": 1}
        done.append({"id": number, **each, "annotations": [annotation]})
    (project / "export.json").write_text(json.dumps(done), encoding="utf-8")
    records = records_of(project / "export.json")
    assert len(records) == 20
    by_text = {each["data"]["text"]: each for each in tasks}
    for record in records:
        asked = by_text[record.text]
        assert record.split == ("" if asked["meta"]["why"] == "random" else "train")
        said = [one["value"] for one in asked["predictions"][0]["result"]]
        places = [(one["start"], one["end"], *one["labels"]) for one in said]
        assert [(s.start, s.end, s.label) for s in record.answers["ner"].spans] == sorted(places)


def test_what_is_missing_is_said(project: Path) -> None:
    def ask(*words: str) -> None:
        CliRunner().invoke(app, ["queue", *words], catch_exceptions=False, standalone_mode=False)

    with pytest.raises(ConfigError, match=r"phases\.letters has no `queue`"):
        ask("my.yaml", "-o", "next.jsonl")
    with pytest.raises(ConfigError, match="there is no phase 'other'"):
        ask("my.yaml", "pool.jsonl", "-o", "next.jsonl", "--phase", "other")
    Path("next.jsonl").touch()
    with pytest.raises(ConfigError, match=r"next.jsonl: is already there"):
        ask("my.yaml", "pool.jsonl", "-o", "next.jsonl")
    with pytest.raises(ConfigError, match="has no version, alias or run '7'"):
        ask("my.yaml", "pool.jsonl", "-o", "a.jsonl", "--version", "7")
    text = CONFIG.replace("ner-letters", "ner-new")
    (project / "new.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="there is no model 'ner-new'"):
        ask("new.yaml", "pool.jsonl", "-o", "a.jsonl")
