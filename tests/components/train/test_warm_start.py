"""Starting from the model in production: what fits is taken, what does not is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

from components.train.snapshot import nodes, weights
from components.train.warm_start import rows
from tests.components.train.conftest import write_corpus

Train = Callable[..., int]

SHORT = {"training.max_steps": 40, "training.eval_frequency": 20}
# Nothing is learnt: the model that comes out is the one that training started from.
STILL = {
    "training.max_steps": 1,
    "training.eval_frequency": 1,
    "training.optimizer.learn_rate": 0.0,
}


@pytest.fixture
def champion(train: Train, tmp_path: Path) -> Path:
    """A model that was trained before."""
    outputs = {"model": str(tmp_path / "champion"), "log": str(tmp_path / "champion-log")}
    assert train("cnn", SHORT, **outputs) == 0
    return tmp_path / "champion"


def learnt(nlp: Language, name: str) -> dict[str, Any]:
    return {
        f"{key}/{parameter}": value
        for key, node in nodes(nlp)
        if key.startswith(f"{name}/")
        for parameter, value in weights(node)
    }


def same(one: Language, two: Language, name: str) -> bool:
    first, second = learnt(one, name), learnt(two, name)
    return first.keys() == second.keys() and all(
        np.array_equal(value, second[key]) for key, value in first.items()
    )


def test_first_score_is_the_champions(
    train: Train, champion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("cnn", STILL, champion=str(champion)) == 0
    said = capsys.readouterr().out
    assert "Weights of tok2vec: those of the model in production" in said
    assert "Weights of ner: those of the model in production" in said
    for name in ("tok2vec", "ner"):
        assert same(spacy.load(tmp_path / "out/model"), spacy.load(champion), name)
    first, best = (
        json.loads((tmp_path / log / "history.jsonl").read_text(encoding="utf-8").splitlines()[row])
        for log, row in (("out/log", 0), ("champion-log", -1))
    )
    assert first["f"] == best["f"] > 0.9
    config = (tmp_path / "out/model/config.cfg").read_text(encoding="utf-8")
    assert str(tmp_path) not in config
    assert (
        spacy.util.load_config(tmp_path / "out/model/config.cfg")["initialize"]["components"] == {}
    )


def test_other_frequencies_of_the_labels_change_nothing(
    train: Train, champion: Path, tmp_path: Path
) -> None:
    """Rows of the last layer are in the order of how frequent the labels are."""
    other = write_corpus(tmp_path / "other", [*range(0, 80, 2), 1])
    assert train("cnn", STILL, train_corpus=str(other)) == 0
    old = spacy.load(champion)
    assert rows(spacy.load(tmp_path / "out/model"), "ner") != rows(old, "ner")
    assert train("cnn", STILL, champion=str(champion), train_corpus=str(other)) == 0
    nlp = spacy.load(tmp_path / "out/model")
    assert rows(nlp, "ner") == rows(old, "ner")
    assert same(nlp, old, "ner")


def test_new_label_leaves_the_tok2vec_of_the_champion(
    train: Train, champion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = write_corpus(tmp_path / "fewer", range(0, 80, 2))
    assert train("cnn", STILL, champion=str(champion), train_corpus=str(fewer)) == 0
    said = capsys.readouterr().out
    assert "Weights of tok2vec: those of the model in production" in said
    assert "Weights of ner: new: its labels changed: -DATE" in said
    nlp, old = spacy.load(tmp_path / "out/model"), spacy.load(champion)
    assert same(nlp, old, "tok2vec")
    assert not same(nlp, old, "ner")


def test_other_shape_is_reported(
    train: Train, champion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wider = {**STILL, "components.ner.model.hidden_width": 32}
    assert train("cnn", wider, champion=str(champion)) == 0
    assert (
        "Weights of ner: new: the model in production has another shape" in capsys.readouterr().out
    )


TINY = {"components.transformer.model.name": "tiny/bert"}
TWO_STEPS = {**TINY, "training.max_steps": 2, "training.eval_frequency": 1}


def tiny_champion(train: Train, config: str, tmp_path: Path) -> Path:
    """A model with a transformer that was trained before."""
    outputs = {"model": str(tmp_path / "first"), "log": str(tmp_path / "first-log")}
    assert train(config, TWO_STEPS, **outputs) == 0
    return tmp_path / "first"


def test_transformer_is_taken_too(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tiny_champion(train, "minilm", tmp_path)
    still = {**TINY, **STILL}
    del still["training.optimizer.learn_rate"]
    rate = {"training.optimizer.learn_rate.initial_rate": 0.0}
    assert train("minilm", {**still, **rate}, champion=str(first)) == 0
    assert "Weights of transformer: those of the model in production" in capsys.readouterr().out
    one, two = spacy.load(first), spacy.load(tmp_path / "out/model")
    assert same(one, two, "transformer")


def test_what_reads_a_new_transformer_is_new(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The champion's row for a label says nothing of the vectors of another transformer."""
    first = tiny_champion(train, "minilm-tokens", tmp_path)
    layers = {"components.transformer.model.transformer_config.num_hidden_layers": 1}
    assert train("minilm-tokens", {**TWO_STEPS, **layers}, champion=str(first)) == 0
    said = capsys.readouterr().out
    assert "the lowest 1 of its layers" in said
    assert "Weights of transformer: new: the model in production has another shape" in said
    assert "Weights of tags: new: transformer, which it reads, is new" in said


def test_a_champion_that_is_named_and_not_there_is_never_taken_for_none(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert train("cnn", STILL, champion=str(tmp_path / "empty")) == 3
    assert "the model in production is not there" in capsys.readouterr().err
    assert train("cnn", STILL, champion="", champion_digest="none") == 0


def test_champion_that_cannot_be_loaded(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spacy.blank("en").to_disk(tmp_path / "old")
    (tmp_path / "old/tokenizer").write_bytes(b"\xc1")
    assert train("cnn", STILL, champion=str(tmp_path / "old")) == 2
    error = capsys.readouterr().err
    assert "train.init is champion and the model in production can't be loaded" in error
    assert error.count("\n") == 1
