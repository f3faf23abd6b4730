"""`retrain queue`: what is left out, what is chosen and why, and what becomes of the answers."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import spacy
from spacy.tokens import SpanGroup
from typer.testing import CliRunner

from components.answers.models import Source, load
from components.errors import ConfigError
from components.ingest.collect import Collector
from components.ingest.settings import IngestSettings
from components.records.keys import key_of, normalised
from components.records.record import Record
from components.records.sources import Copy, SourceFile
from components.records.sources import Source as AnnotationFile
from components.records.texts import Text
from components.registry import assignment
from components.registry.base import Artefact
from components.registry.documents import ASSIGNMENT
from components.registry.lineage import Lineage
from components.registry.open import open_registry
from components.registry.promotion import promote
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings
from pipelines.cli import app
from pipelines.queue.candidates import candidates
from pipelines.queue.choose import Choice, choose
from pipelines.queue.doubt import Doubts, Reader, doubts, embeddings
from pipelines.queue.known import Known, known
from tests.support.spancat import write_spancat
from tests.support.tiny_ner import LABELS, make_docs, train_tiny
from tests.support.tiny_textcat import train_tiny as train_classifier

LETTER = "The Home Office will pay everybody who asked for it before the end of this long month"
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


def task(kind: str, name: str, labels: list[str], **settings: Any) -> Task:
    return task_of(TaskSettings(name=name, kind=kind, labels=labels, **settings))


def reader(model: Path) -> Reader:
    models = load([Source("m", model)])
    return Reader(models.phases["m"].nlp, models.vocabulary)


def test_what_is_known_or_nearly_is_left_out() -> None:
    tested = "An entirely different letter about ships that sail to the north in winter and fog"
    seen = [normalised(each) for each in (LETTER, tested)]
    seen_before = Known(seen, [seen[1]], groups={'"p7"'})
    pool = {
        f"  {LETTER.upper()} ": "annotated",
        LETTER + ".": "near an annotated text",
        # Half of it is another text: no duplicate, but too near to a text that tests.
        tested[:70] + " calm weather": "near the test set",
        LETTER[:60] + " somebody else will have to do all of it": "",
        "A visa for a visitor from London, if that is what they need to come": "",
        "A visa for a visitor from London, if that is what they need to come.": (
            "near another text of the pool"
        ),
        " ": "blank",
    }
    texts = [Text(f"p:{n}", text) for n, text in enumerate(pool)]
    of_page = Text("p:9", "Nothing like it, but on the page of a test text", {"page": "p7"})
    left = candidates([*texts, of_page], seen_before, "meta.page")
    assert [one.text for one in left.texts] == [text for text, why in pool.items() if not why]
    assert left.left_out == {
        **dict.fromkeys([why for why in pool.values() if why], 1),
        "same meta.page as a text of dev or test": 1,
    }


def test_what_tests_is_known_by_the_last_split_and_by_tags(tmp_path: Path) -> None:
    rows = [
        {"text": "one", "meta": {"page": 1}},
        {"text": "two", "meta": {"page": 2}},
        {"text": "three", "meta": {"page": 3, "split": "test"}},
        {"text": "four", "meta": {"page": 4}},
    ]
    spans = [{"start": 0, "end": 3, "label": "OLD"}]
    write(tmp_path / "a.jsonl", [{**row, "answer": "accept", "spans": spans} for row in rows])
    keys = [f"{key_of(text, b'text'):016x}" for text in ("one", "two")]
    write(tmp_path / "b.jsonl", [{"text": "five", "meta": {"page": 5, "split": "train"}}])
    found = known(
        [
            AnnotationFile(path=str(tmp_path / "a.jsonl")),
            AnnotationFile(path=str(tmp_path / "b.jsonl"), split="test"),
        ],
        IngestSettings.model_validate({"select": {"rename": {"OLD": "NEW"}}}),
        assignment.Stored(1, [], keys[:1], keys[1:]),
        "meta.page",
    )
    assert found.texts == ["one", "two", "three", "four", "five"]
    assert found.test == ["two", "three", "five"]
    assert found.groups == {"1", "2", "3", "5"}
    assert found.labels == {"NEW": 4}


def chosen_of(
    doubt: list[float] | None, number: int, lacking: dict[str, int], presence: Any = None
) -> list[Choice]:
    size = 100 if doubt is None else len(doubt)
    made = Doubts(
        {} if doubt is None else {"ner": np.array(doubt)},
        {label: np.array(each) for label, each in (presence or {}).items()},
    )
    rng = np.random.default_rng(0)
    points = rng.normal(size=(size, 4))
    return choose(made, size, number, lacking, lambda places: points[[*places]], seed=3)


def test_most_are_doubtful_and_a_tenth_is_random() -> None:
    doubt = [n / 200 for n in range(200)]
    chosen = chosen_of(doubt, 20, {})
    assert [one.why for one in chosen].count("random") == 2
    doubtful = [one.place for one in chosen if one.why == "doubt"]
    assert len({one.place for one in chosen}) == 20
    assert min(doubtful) >= 200 - 4 * 18 - 2  # among the most doubtful ones, and not all at the top
    assert min(doubtful) < 180
    assert doubtful == sorted(doubtful, reverse=True)
    assert chosen == chosen_of(doubt, 20, {})


def test_labels_that_lack_examples_have_places_of_their_own() -> None:
    doubt = [n / 200 for n in range(200)]
    presence = {"RARE": [0.9 if n < 3 else 0.0 for n in range(200)], "NONE": [0.05] * 200}
    chosen = chosen_of(doubt, 20, {"RARE": 2, "NONE": 0}, presence)
    rare = {one.place for one in chosen if one.why == "label RARE"}
    assert len(rare) == 2
    assert rare < {0, 1, 2}
    assert not [one for one in chosen if one.why == "label NONE"]
    assert len(chosen) == 20


def test_small_pools_and_models_that_say_nothing() -> None:
    assert {one.why for one in chosen_of(None, 10, {})} == {"random"}
    few = chosen_of([0.5, 0.1], 10, {})
    assert sorted(one.place for one in few) == [0, 1]
    assert [one.why for one in chosen_of([0.5], 1, {})] == ["random"]


def test_ranks_of_tasks_are_put_together() -> None:
    several = Doubts({"a": np.array([0.1, 0.2, 0.3]), "b": np.array([0.9, 0.1, 0.2])}, {})
    assert several.rank is not None
    assert several.rank.tolist() == pytest.approx([0.5, 0.25, 0.75])


def test_a_recogniser_doubts_what_it_does_not_know(tmp_path: Path) -> None:
    model = reader(train_tiny(tmp_path / "m", make_docs(80)))
    texts = [
        "The Treasury will pay £50 on Monday.",
        "Nothing changes here.",
        "Kew On £ May 1.",
    ]
    made = doubts(model, [task("ner", "ner", LABELS)], texts, ["MONEY"])
    doubt, money = made.doubt["ner"], made.presence["MONEY"]
    assert doubt[2] > doubt[0]
    assert money[0] > 0.5 > money[1]
    # Its encoder is inside of the recogniser, and shows nobody what it makes of a text.
    assert embeddings(model, texts).shape == (3, 0)


def test_texts_are_alike_as_the_model_sees_them(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    nlp.initialize()
    nlp.to_disk(tmp_path / "m")
    made = embeddings(reader(tmp_path / "m"), ["A visa", "A visa !", "nothing like it at all", ""])
    assert np.linalg.norm(made, axis=1).tolist() == pytest.approx([1, 1, 1, 0])
    assert made[0] @ made[1] > made[0] @ made[2]


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_classifier_doubts_what_is_between_its_classes(tmp_path: Path, exclusive: bool) -> None:
    model = reader(train_classifier(tmp_path / "m", exclusive=exclusive))
    topic = task("textcat", "classes", ["TAX", "VISA"], exclusive=exclusive)
    said = doubts(model, [topic], ["a refund of tax", "a visa", "a tax on a visa"], ["VISA"])
    assert said.doubt["classes"].argmax() == 2
    assert said.presence["VISA"].argmax() == 1


def test_doubt_of_spans_and_statuses() -> None:
    spans = task("spans", "notes", ["A"])
    assert spans.doubt({}) == 0
    assert spans.doubt({"A": 0.5}) == pytest.approx(1)
    assert spans.doubt({str(n): p for n, p in enumerate([0.5, 0.75, 1, 1, 1])}) == pytest.approx(
        0.5
    )
    status = task("assertion", "status", ["no", "yes"], of="ner")
    nlp = spacy.blank("en")
    doc, plain = nlp("no fever"), nlp("nothing")
    doc.spans["status"] = SpanGroup(doc, spans=[doc.char_span(3, 8, "no")], attrs={"scores": [0.6]})
    possible = status.possible(nlp, [doc, plain])
    assert possible is not None
    assert [status.doubt(each) for each in possible] == pytest.approx([0.8, 0])


def test_labels_of_spans_have_a_probability(tmp_path: Path) -> None:
    model = reader(write_spancat(tmp_path / "m", ["NEG", "ABS"]))
    made = doubts(model, [task("spans", "negation", ["NEG", "ABS"])], ["no fever"], ["NEG"])
    assert 0 < made.presence["NEG"][0] <= 1


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
    collector = Collector([task("ner", "ner", LABELS)], IngestSettings(required=[]))
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
