from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from components.records.keys import text_id
from components.records.prediction import (
    Disagreement,
    Prediction,
    read_predictions,
    write_predictions,
)
from components.records.record import Span
from components.report.conclusion import PLACE
from components.scoring.document import read_scores
from tests.components.report.conftest import CONTEXT, DATA, LABELS, run_report

pytestmark = pytest.mark.xdist_group("evaluated")


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    (tmp_path / "nothing").mkdir()
    return tmp_path / "nothing"


def text_of(html: str) -> str:
    """What a reader sees, on one line."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_the_report_says_the_decision_first(tmp_path: Path, evaluated: Path, nothing: Path) -> None:
    html = (run_report(tmp_path / "r", evaluated, nothing) / "report").read_text(encoding="utf-8")
    gate_decision = json.loads((evaluated / "gate-decision").read_text(encoding="utf-8"))
    body = html[html.index("<main") :]
    assert body.index("headline") < body.index("<table")
    assert gate_decision["headline"] in text_of(html)
    assert html.count(PLACE) == 1, "where `upload` says what became of the model"
    headings = re.findall(r'<h2 id="(\w+)"', html)
    assert headings == ["scores", "confusion", "slices", "training", "data", "mistakes", "errors"]


def test_the_report_shows_the_scores_and_the_change(
    tmp_path: Path, evaluated: Path, nothing: Path
) -> None:
    html = (run_report(tmp_path / "r", evaluated, nothing) / "report").read_text(encoding="utf-8")
    scores = read_scores(evaluated / "scores")["ner"]
    read = text_of(html)
    f = 100 * scores["overall"]["f"]
    change = 100 * scores["champion"]["comparison"]["overall"]["difference"]
    assert f"{f:.1f}" in read
    assert f"{abs(change):.1f}" in read
    assert "EVENT \N{EN DASH} \N{EN DASH} \N{EN DASH}" in read, "undefined is a dash"


def test_the_report_says_what_the_tokeniser_keeps_from_being_learnt(
    tmp_path: Path, evaluated: Path, nothing: Path
) -> None:
    html = (run_report(tmp_path / "r", evaluated, nothing) / "report").read_text(encoding="utf-8")
    total = 1200 * len(LABELS)
    lost = f"{12 * len(LABELS)} of the {total:,} entities in the training documents"
    assert lost in text_of(html)
    assert "(1.0&nbsp;%)" in text_of(html)
    assert "FORM “&lt;SA100&gt;” in a.jsonl:3" in html


def test_the_report_is_one_file_that_loads_nothing(
    tmp_path: Path, evaluated: Path, nothing: Path
) -> None:
    html = (run_report(tmp_path / "r", evaluated, nothing) / "report").read_text(encoding="utf-8")
    loading = re.findall(r'(?:src|href)="(?!#)[^"]*"|url\((?!#)|@import|<link|<iframe', html)
    assert loading == []
    assert html.count("<script>") == 1


def test_what_changed_is_reported_from_the_metadata_of_the_champion(
    tmp_path: Path, evaluated: Path
) -> None:
    champion_metadata = evaluated / "1"
    before = {
        "digest": "e" * 64, "records": 100, "test_documents": 80,
        "entities": {"ORG": 100, "DATE": 70, "LAW": 5},
        "config": {"phase": "phase-1", "train.set.training.max_steps": 100},
    }  # fmt: skip
    (champion_metadata / "facts.json").write_text(json.dumps(before), encoding="utf-8")
    html = (run_report(tmp_path / "r", evaluated, champion_metadata) / "report").read_text(
        encoding="utf-8"
    )
    (champion_metadata / "facts.json").unlink()
    read = text_of(html)
    assert "Documents 100 140" in read
    assert "Entities of DATE 70 100" in read
    assert "Entities of LAW 5 \N{EN DASH}" in read
    assert "train.set.training.max_steps 100 \N{EN DASH}" in read
    assert "Entities of ORG" not in read


def test_facts_and_champion_facts_of_the_same_run_do_not_differ(
    tmp_path: Path, evaluated: Path, nothing: Path
) -> None:
    first = run_report(tmp_path / "r", evaluated, nothing)
    champion_metadata = evaluated / "1"
    (champion_metadata / "facts.json").write_bytes((first / "facts").read_bytes())
    html = (run_report(tmp_path / "again", evaluated, champion_metadata) / "report").read_text(
        "utf-8"
    )
    (champion_metadata / "facts.json").unlink()
    assert "differ by chance alone" in html


def test_likely_mistakes_are_exported_for_prodigy(
    tmp_path: Path, evaluated: Path, nothing: Path
) -> None:
    folder = run_report(tmp_path / "r", evaluated, nothing)
    lines = (folder / "review").read_text(encoding="utf-8").splitlines()
    assert 0 < len(lines) <= 10
    gold = {one.id: one for one in read_predictions(evaluated / "predictions")}
    confidences = []
    for line in lines:
        task = json.loads(line)
        document = gold[task["meta"]["document"]]
        assert task["text"] == document.text
        assert task["spans"] == [
            {"start": s.start, "end": s.end, "label": s.label} for s in document.gold
        ]
        confidences.append(task["meta"]["confidence"])
    assert confidences == sorted(confidences, reverse=True)


def test_the_review_file_holds_whole_documents(
    tmp_path: Path, evaluated: Path, nothing: Path
) -> None:
    """Of a document that was read in windows, all of it: read again, it is the same document."""
    texts = ["The BBC reported it on Monday. ", "Later ITN said so too. ", "Nobody at IBM knew."]
    text = "".join(texts)
    names = {"BBC": 0, "ITN": 1, "IBM": 2}
    windows = [
        Prediction(text_id(text), piece, len(piece.split()), [span], [])
        for piece, name in zip(texts, names, strict=True)
        if (span := Span(piece.index(name), piece.index(name) + 3, "ORG"))
    ]
    windows[1].disagreements = [Disagreement("missed", gold=windows[1].gold[0], confidence=0.9)]
    (tmp_path / "read").mkdir()
    for name in ("scores", "gate-decision"):
        shutil.copy(evaluated / name, tmp_path / "read")
    write_predictions(tmp_path / "read/predictions", windows)
    folder = run_report(tmp_path / "r", tmp_path / "read", nothing)
    [line] = (folder / "review").read_text(encoding="utf-8").splitlines()
    task = json.loads(line)
    assert text_id(task["text"]) == windows[0].id
    marked = {text[span["start"] : span["end"]] for span in task["spans"]}
    assert marked == {*names}
    assert task["meta"]["annotated"] == "ITN (ORG)"


def test_the_model_card_says_what_the_model_is_and_is_not(
    tmp_path: Path, evaluated: Path, nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_COMMIT", "abc123")
    card = (run_report(tmp_path / "r", evaluated, nothing) / "model-card").read_text("utf-8")
    assert card.startswith(f"# Model card: `{CONTEXT['model']['name']}`")
    for heading in ("Intended use", "Data", "Scores on the test", "Known weak spots", "How it was"):
        assert f"\n## {heading}" in card
    assert DATA["digest"] in card
    assert "- git commit: `abc123`" in card
    assert "EVENT does not occur in the test set" in card
    assert re.search(r"\| overall \| \d+\.\d \| \d+\.\d \| \d+\.\d \| \d+\.\d to \d+\.\d \|", card)


def test_a_model_without_an_error_has_a_report_too(
    tmp_path: Path, evaluated: Path, nothing: Path
) -> None:
    perfect = tmp_path / "perfect"
    perfect.mkdir()
    for name in ("scores", "gate-decision"):
        (perfect / name).write_bytes((evaluated / name).read_bytes())
    span = Span(0, 3, "ORG")
    document = Prediction(id="a", text="BBC", words=1, gold=[span], predicted=[span])
    write_predictions(perfect / "predictions", [document])
    folder = run_report(tmp_path / "r", perfect, nothing)
    assert "agree on everything" in (folder / "report").read_text(encoding="utf-8")
    assert (folder / "review").read_text(encoding="utf-8") == ""
