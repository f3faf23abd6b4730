"""Evaluation holds a classifier against a linear model that it trains in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from components.digests import together
from components.scoring.document import read_scores
from tests.support.stages import run_stage
from tests.support.tiny_ner import write_corpus
from tests.support.tiny_textcat import TEXTS, train_tiny

NLP = spacy.blank("en")


def docs(*texts: str) -> list[Doc]:
    made = []
    for number, text in enumerate(texts):
        doc = NLP.make_doc(text)
        doc.cats = dict(TEXTS[text])
        doc.user_data["id"] = str(number)
        made.append(doc)
    return made


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("floor")
    train_tiny(folder / "model", exclusive=True)
    write_corpus(folder / "train", docs(*TEXTS) * 5)
    write_corpus(folder / "dev", docs(*TEXTS))
    write_corpus(folder / "test", docs(*TEXTS))
    return folder


def scores(shelf: Path, folder: Path, **inputs: object) -> dict[str, Any]:
    tasks = [{"name": "topic", "kind": "textcat", "labels": ["TAX", "VISA"], "exclusive": True}]
    folder.mkdir(exist_ok=True)
    arguments = {
        "tasks": json.dumps(tasks),
        "model": shelf / "model",
        "test-corpus": shelf / "test",
        "init": "base",
        "settings": '{"resamples": 100}',
        **{name.replace("_", "-"): value for name, value in inputs.items()},
        **{name: folder / name for name in ("scores", "predictions", "metrics", "confusion")},
    }
    assert run_stage("evaluate", arguments) == 0
    return dict(read_scores(folder / "scores")["topic"])


def test_the_floor_stands_beside_the_scores(shelf: Path, tmp_path: Path) -> None:
    train, dev = shelf / "train", shelf / "dev"
    block = scores(
        shelf,
        tmp_path,
        train_corpus=train,
        dev_corpus=dev,
        training_digest=together(train=train, dev=dev),
    )
    floor = block["floor"]
    assert floor["overall"]["f"] == floor["macro"]["f"] == 1
    assert floor["macro"]["labels"] == 2
    assert set(floor["labels"]) == set(floor["ranking"]) == {"TAX", "VISA"}
    assert floor["gain"]["difference"] == block["overall"]["f"] - floor["overall"]["f"]
    # The same again: nothing in it is left to chance.
    again = scores(shelf, tmp_path, train_corpus=train, dev_corpus=dev)
    assert again["floor"] == floor


def test_without_the_training_corpus_there_is_none(shelf: Path, tmp_path: Path) -> None:
    assert "floor" not in scores(shelf, tmp_path)
