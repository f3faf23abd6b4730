"""Spans that annotators rejected are learnt from, or it is said that they are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from thinc.api import Config

from components.train.rejected import are_learnt_from
from tests.components.train.conftest import CONFIGS, write_shard

TINY = {"components.transformer.model.name": "tiny/bert", "training.max_steps": 1}


@pytest.mark.parametrize("name", ["minilm", "cnn", "roberta", "minilm-tokens", "roberta-tokens"])
def test_which_configs_learn_from_them(name: str) -> None:
    config = Config().from_disk(CONFIGS / f"{name}.cfg", interpolate=False)
    assert are_learnt_from(config) is not name.endswith("-tokens")


@pytest.mark.parametrize("name", ["minilm-tokens", "minilm"])
def test_training_says_that_they_are_not(
    name: str, train: Callable[..., int], corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    shard = DocBin().from_disk(corpora[0] / "000000.spacy")
    docs = list(shard.get_docs(Vocab()))
    docs[3].spans["incorrect_spans"] = [docs[3][:1]]
    docs[3].spans["incorrect_spans"][0].label_ = "MONEY"
    write_shard(corpora[0], DocBin(docs=docs, store_user_data=True))
    assert train(name, TINY) == 0
    log = (tmp_path / "out/log/training.log").read_text(encoding="utf-8")
    warned = "Warning: 1 documents have spans that annotators rejected." in log
    assert warned is (name == "minilm-tokens")
