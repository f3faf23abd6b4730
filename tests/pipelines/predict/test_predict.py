"""`retrain predict`: every format, every kind of model, and a job that is killed on its way."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner, Result

import retrain
from components.answers.findings import Classes, Findings
from components.answers.formats import Asked, Format, confidence
from components.answers.models import Models, Source, load
from components.errors import ConfigError, DataError
from components.records import pool as texts_pool
from pipelines.cli import app
from pipelines.predict import job
from pipelines.predict.output import Resumable
from tests.containers.conftest import write_model
from tests.support.spancat import write_spancat
from tests.support.tiny_textcat import train_tiny

PATTERNS = {"London": "GPE", "🎉": "EVENT", "visa": "FORM"}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds entities and classifies."""
    folder = tmp_path_factory.mktemp("mixed") / "letters"
    remembered = {"topic": {"component": "classes", "calibration": {"documents": 9}}}
    patterns = [{"label": label, "pattern": text} for text, label in PATTERNS.items()]
    return train_tiny(folder, exclusive=True, remembered=remembered, entities=patterns)


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds spans that overlap."""
    return write_spancat(tmp_path_factory.mktemp("spans") / "notes", ["NEG", "ABS"])


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    rows = [
        {"text": "A visa 🎉 for London, please", "meta": {"page": 1}},
        {"text": ""},
        {"text": "a refund of tax"},
    ]
    path = tmp_path / "pool.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_json_is_what_the_server_answers(mixed: Path, pool: Path, tmp_path: Path) -> None:
    done = retrain.predict_files(mixed, [str(pool)], tmp_path / "out.jsonl")
    rows = rows_of(done.output)
    assert [row["text"] for row in rows] == [row["text"] for row in rows_of(pool)]
    expected = retrain.predict(mixed, [row["text"] for row in rows], confidence=True)
    for row, one in zip(rows, expected, strict=True):
        assert {k: row[k] for k in ("entities", "classes")} == one.model_dump(exclude_none=True)
    assert [(e["start"], e["end"], e["label"]) for e in rows[0]["entities"]] == [
        (2, 6, "FORM"),
        (7, 8, "EVENT"),
        (13, 19, "GPE"),
    ]
    assert (rows[0]["meta"], "meta" in rows[1]) == ({"page": 1}, False)
    assert rows[2]["classes"][0]["labels"] == ["TAX"]
    assert rows[0]["versions"] == done.versions
    assert (done.texts, done.begun, done.words) == (3, 0, 11)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "pool.jsonl"]


def test_prodigy_marks_spans_and_asks_in_one_row(mixed: Path, pool: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    retrain.predict_files(mixed, [str(pool)], out, format="prodigy")
    row, *others = rows_of(out)
    assert [one["_view_id"] for one in (row, *others)] == ["blocks"] * 3
    for span in row["spans"]:
        first, last = row["tokens"][span["token_start"]], row["tokens"][span["token_end"]]
        assert (first["start"], last["end"]) == (span["start"], span["end"])
    assert [option["id"] for option in row["options"]] == ["TAX", "VISA"]
    assert row["accept"] == ["VISA"]
    assert row["config"] == {"choice_style": "single"}
    assert row["meta"]["page"] == 1
    assert str(row["meta"]["model"]).startswith("letters ")


def test_label_studio_has_one_task_with_a_prediction(
    mixed: Path, pool: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    retrain.predict_files(mixed, [str(pool)], out, format="labelstudio")
    first, blank, _ = json.loads(out.read_text(encoding="utf-8"))
    assert first["data"] == {"text": "A visa 🎉 for London, please", "page": 1}
    [prediction] = first["predictions"]
    assert prediction["model_version"].startswith("letters ")
    assert 0 < prediction["score"] <= 1
    named = [(one["from_name"], one["to_name"], one["type"]) for one in prediction["result"]]
    assert named == [
        *[("entity_ruler", "text", "labels")] * 3,
        ("topic", "text", "choices"),
    ]
    assert prediction["result"][0]["value"] == {
        "start": 2,
        "end": 6,
        "text": "visa",
        "labels": ["FORM"],
    }
    assert blank["predictions"][0]["result"] == []


def test_to_be_sure_that_a_text_has_no_label_is_to_be_sure() -> None:
    topic = Classes(phase="m", task="topic", labels=["A"], scores={"A": 0.7, "B": 0.3})
    flags = Classes(phase="m", task="flags", labels=[], scores={"X": 0.05, "Y": 0.2})
    asked = Asked(classes={"topic": (("A", "B"), True), "flags": (("X", "Y"), False)})
    assert confidence(Findings(entities=[], classes=[topic]), asked) == 0.7
    assert confidence(Findings(entities=[], classes=[flags]), asked) == 0.8
    assert confidence(Findings(entities=[], classes=[flags, topic]), asked) == 0.7
    assert confidence(Findings(entities=[]), asked) is None


def test_docbin_holds_what_spacy_reads(
    mixed: Path, spans: Path, pool: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    retrain.predict_files(mixed, [str(pool)], out, format="docbin")
    vocab = spacy.blank("en").vocab
    [shard] = out.glob("*.spacy")
    docs = [*DocBin().from_disk(shard).get_docs(vocab)]
    assert [(e.text, e.label_) for e in docs[0].ents][-1] == ("London", "GPE")
    assert docs[0].user_data["meta"] == {"page": 1}
    assert docs[2].cats["TAX"] > docs[2].cats["VISA"]
    retrain.predict_files(spans, [str(pool)], tmp_path / "spans", format="docbin")
    [doc, *_] = DocBin().from_disk(tmp_path / "spans/000000.spacy").get_docs(vocab)
    assert {span.label_ for span in doc.spans["negation"]} == {"NEG", "ABS"}
    assert len(doc.spans["negation"].attrs["scores"]) == len(doc.spans["negation"])


def test_spans_that_overlap_are_rows_of_their_own(spans: Path, pool: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    retrain.predict_files(spans, [str(pool)], out, format="prodigy")
    first = rows_of(out)[0]
    assert first["_view_id"] == "spans_manual"
    assert all({"token_start", "score"} <= {*span} for span in first["spans"])
    retrain.predict_files(spans, [str(pool)], tmp_path / "ls.jsonl", format="labelstudio")
    [first, *_] = json.loads((tmp_path / "ls.jsonl").read_text(encoding="utf-8"))
    result = first["predictions"][0]["result"]
    assert {one["from_name"] for one in result} == {"negation"}


def test_a_job_that_stops_anywhere_goes_on_and_ends_the_same(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a piece is written, after it is and before it is counted, and after that."""
    pool = tmp_path / "pool.txt"
    pool.write_text("".join(f"visa {n} in London\n" for n in range(23)), encoding="utf-8")
    monkeypatch.setattr(texts_pool, "MOST_TEXTS", 5)
    forms: tuple[Format, ...] = ("jsonl", "labelstudio", "docbin")
    for form in forms:
        name = f"whole-{form}"
        retrain.predict_files(mixed, [str(pool)], tmp_path / name, format=form)
    count, answers = Resumable.count, job.answers
    calls = 0

    def dying(wrapped: Any) -> Any:
        def die(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise KeyboardInterrupt
            return wrapped(*args, **kwargs)

        return die

    for form in forms:
        name = f"whole-{form}"
        for stop in range(1, 11):
            out = tmp_path / f"{form}-{stop}"
            calls = 0
            monkeypatch.setattr(Resumable, "count", dying(count))
            monkeypatch.setattr(job, "answers", dying(answers))
            with pytest.raises(KeyboardInterrupt):
                retrain.predict_files(mixed, [str(pool)], out, format=form)
            assert not out.exists()
            monkeypatch.setattr(Resumable, "count", count)
            monkeypatch.setattr(job, "answers", answers)
            done = retrain.predict_files(mixed, [str(pool)], out, format=form)
            assert (done.texts, done.begun) == (23, (stop - 1) // 2 * 5)
            assert content(out) == content(tmp_path / name), (form, stop)
    assert not [*tmp_path.glob("*.part*")]


def content(path: Path) -> list[bytes]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file.read_bytes() for file in files]


def test_the_command_killed_goes_on_where_it_was(mixed: Path, tmp_path: Path) -> None:
    pool = tmp_path / "pool.txt"
    pool.write_text("".join(f"A visa {n} in London\n" for n in range(30_000)), encoding="utf-8")
    command = [sys.executable, "-m", "pipelines", "predict", str(mixed), str(pool), "--json", "-o"]
    killed = subprocess.Popen([*command, str(tmp_path / "out.jsonl")], stdout=subprocess.PIPE)
    state = tmp_path / "out.jsonl.part.json"
    while not state.exists():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "out.jsonl").exists()
    again = subprocess.run(
        [*command, str(tmp_path / "out.jsonl")], capture_output=True, text=True, check=True
    )
    said = json.loads(again.stdout)
    assert said["texts"] == 30_000
    assert 0 < said["texts_before"] < 30_000
    texts = [row["text"] for row in rows_of(tmp_path / "out.jsonl")]
    assert texts == pool.read_text(encoding="utf-8").splitlines()


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["predict", *words], catch_exceptions=False)


def test_the_command_says_what_it_did(mixed: Path, pool: Path, tmp_path: Path) -> None:
    plain = command(str(mixed), str(pool), "-o", str(tmp_path / "a.jsonl"))
    assert plain.stdout.startswith("3 texts, 11 words, ")
    assert plain.stdout.endswith(f"Wrote {tmp_path / 'a.jsonl'}\n")
    said = json.loads(
        command(str(mixed), str(pool), "-o", str(tmp_path / "b.jsonl"), "--json").stdout
    )
    assert (said["texts"], said["texts_before"], said["words"]) == (3, 0, 11)
    with pytest.raises(ConfigError, match="--format csv: no such format"):
        command(str(mixed), str(pool), "-o", str(tmp_path / "c"), "--format", "csv")
    with pytest.raises(ConfigError, match="--where vertex needs --config"):
        command("ner-letters", str(pool), "-o", str(tmp_path / "c"), "--where", "vertex")
    table = tmp_path / "pool.csv"
    table.write_text("id,body\n1,a visa\n", encoding="utf-8")
    command(str(mixed), str(table), "-o", str(tmp_path / "d.jsonl"), "--text", "body")
    [row] = rows_of(tmp_path / "d.jsonl")
    assert (row["text"], row["meta"]) == ("a visa", {"id": "1"})


def test_what_may_not_go_on_is_said(mixed: Path, spans: Path, pool: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.touch()
    with pytest.raises(ConfigError, match=r"out.jsonl: is already there"):
        retrain.predict_files(mixed, [str(pool)], out)
    out.unlink()
    part = tmp_path / "out.jsonl.part"
    begun = {"job": {"format": "prodigy"}, "size": 0, "done": {"texts": 0}}
    part.touch()
    (tmp_path / "out.jsonl.part.json").write_text(json.dumps(begun), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"begun with another model and texts and .* than now"):
        retrain.predict_files(mixed, [str(pool)], out)
    lock = os.open(part, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(ConfigError, match="another process is writing it"):
        retrain.predict_files(mixed, [str(pool)], out)
    os.close(lock)
    with pytest.raises(ConfigError, match=r"none.txt: no such file"):
        retrain.predict_files(mixed, [str(tmp_path / "none.txt")], tmp_path / "b.jsonl")
    with pytest.raises(ConfigError, match=r"--phase other: .* has only letters"):
        retrain.predict_files(mixed, [str(pool)], tmp_path / "b.jsonl", phase="other")


def test_every_text_is_read_before_the_first_is_predicted(mixed: Path, tmp_path: Path) -> None:
    pool = tmp_path / "pool.jsonl"
    pool.write_text('{"text": "a"}\n' * 5000 + "{\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"pool.jsonl:5001: not one JSON value"):
        retrain.predict_files(mixed, [str(pool)], tmp_path / "out.jsonl")
    pool.write_text(json.dumps({"text": "a" * 1_000_001}), encoding="utf-8")
    with pytest.raises(DataError, match=r"pool.jsonl:1: a text of 1,000,001 characters"):
        retrain.predict_files(mixed, [str(pool)], tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["pool.jsonl"]


def test_the_text_that_a_model_fails_on_is_named(
    mixed: Path, pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Models.read

    def fail(self: Models, texts: Any, question: Any) -> Any:
        if any("refund" in text for text in texts):
            raise ValueError("no refunds")
        return read(self, texts, question)

    monkeypatch.setattr(Models, "read", fail)
    with pytest.raises(DataError, match=r"pool.jsonl:3: a model fails .*ValueError: no refunds"):
        retrain.predict_files(mixed, [str(pool)], tmp_path / "out.jsonl")


def test_the_words_of_texts_are_forgotten(mixed: Path, tmp_path: Path) -> None:
    """spaCy keeps each: of ten million words memory would grow without end."""
    pool = tmp_path / "pool.txt"
    words = (" ".join(f"w{n}x{m}" for m in range(100)) for n in range(500))
    pool.write_text("\n".join(words), encoding="utf-8")
    models = load([Source("letters", mixed)])
    texts = texts_pool.proven([str(pool)], "", 1000)
    most = 0
    for piece in texts.behind(0):
        job.answers(models, piece, job.Question(("letters",)))
        most = max(most, len(models.phases["letters"].nlp.vocab.strings))
    assert most < 30_000


def test_entities_of_rules_alone_are_of_the_usual_task(tmp_path: Path) -> None:
    model = write_model(tmp_path / "rules", PATTERNS)
    assert load([Source("rules", model)]).asked.entities == "ner"
