"""Files that people read say which form they have, and are read in their older ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError
from components.records.prediction import Prediction, read_predictions, write_predictions
from components.records.record import Span
from components.registry.lineage import trace
from components.registry.open import open_registry
from components.scoring.document import read_scores

OLD = Path(__file__).parents[1] / "first_release"
OLD_SCORES = OLD / "models/ner-phase-1/1/scores.json"
GOLD = Span(0, 3, "ORG")


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")
    return path


def test_predictions_say_their_version(tmp_path: Path) -> None:
    one = Prediction("1", "BBC!", 2, [GOLD], [], unalignable=1, task="names")
    write_predictions(tmp_path / "predictions", [one])
    line = json.loads((tmp_path / "predictions").read_text(encoding="utf-8"))
    assert (line["version"], line["unalignable"], line["task"]) == (3, 1, "names")
    assert "lost" not in line
    [again] = read_predictions(tmp_path / "predictions")
    assert (again.gold, again.unalignable, again.task) == ([GOLD], 1, "names")


def test_predictions_without_a_version_are_read(tmp_path: Path) -> None:
    old = {"id": "1", "text": "BBC!", "words": 2, "gold": [], "predicted": [], "lost": 2}
    [one] = read_predictions(write(tmp_path / "old", old))
    assert (one.unalignable, one.lost, one.task) == (2, 0, "ner")
    [path] = OLD.glob("runs/*/phase-1/evaluate/predictions")
    assert {one.task for one in read_predictions(path)} == {"ner"}


def test_predictions_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    new = {"version": 99, "id": "1", "text": "", "words": 0, "gold": [], "predicted": []}
    with pytest.raises(DataError, match=r"version 99, and this program reads up to 3"):
        list(read_predictions(write(tmp_path / "new", new)))


def test_scores_of_every_version_have_the_words_of_today(tmp_path: Path) -> None:
    old = json.loads(OLD_SCORES.read_text(encoding="utf-8"))
    assert old["tokenisation"].keys() == {"lost", "share", "without"}
    second = {"version": 2, "tasks": {"ner": {"task": "ner", "unit": "entities", **old}}}
    for path in (OLD_SCORES, write(tmp_path / "2", second)):
        block = read_scores(path)["ner"]
        assert block["overall"] == old["overall"]
        assert block["tokenisation"].keys() == {"unalignable", "fraction", "without"}
    with pytest.raises(DataError, match="version 99 is newer than this program"):
        read_scores(write(tmp_path / "99", {"version": 99, "tasks": {}}))


def test_a_lineage_says_its_version_and_an_older_one_is_read(tmp_path: Path) -> None:
    [version] = open_registry(str(OLD / "models")).versions("ner-phase-1")
    assert version.lineage.schema_version == 0
    assert version.lineage.decision == "promote"
    new = trace(tmp_path, OLD_SCORES, decision="hold", digest="d", run="r")
    assert json.loads(new.model_dump_json())["schema_version"] == 1
