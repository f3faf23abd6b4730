"""A batch that does not fit into memory is split, and the step is what it would have been."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from tests.components.train.conftest import CONFIGS

Train = Callable[..., int]


class Hungry:
    """A component that has memory for a few documents; `ner` has added its gradients by then."""

    is_trainable = True

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit

    def __call__(self, doc: Doc) -> Doc:
        return doc

    def update(self, examples: list[Example], *, losses: dict[str, float], **_: Any) -> None:
        losses[self.name] = 0.0
        if len(examples) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.fixture(autouse=True)
def hungry() -> Iterator[None]:
    Language.factory("hungry", func=lambda nlp, name, limit: Hungry(name, limit))
    yield


def config(limit: int) -> str:
    """cnn.cfg with the hungry component at the end and 16 documents to a batch."""
    text = (CONFIGS / "cnn.cfg").read_text(encoding="utf-8")
    text = text.replace('["tok2vec", "ner"]', '["tok2vec", "ner", "hungry"]')
    start, end = text.index("[training.batcher]"), text.index("[training.logger]")
    batcher = '[training.batcher]\n@batchers = "spacy.batch_by_sequence.v1"\nsize = 16\n\n'
    text = text[:start] + batcher + text[end:]
    start, end = text.index("[training.batcher.size]"), text.index("[components.tok2vec.model]")
    hungry = f'[components.hungry]\nfactory = "hungry"\nlimit = {limit}\n\n'
    return text[:start] + hungry + text[end:]


def test_step_is_done_again_in_parts(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = {"training.max_steps": 2, "training.eval_frequency": 1}
    logs = {"log": str(tmp_path / "one-log"), "model": str(tmp_path / "one")}
    assert train("cnn", steps, config=config(limit=4), **logs) == 0
    assert "step 0: out of memory; again in 4 parts" in capsys.readouterr().out
    fits = {**steps, "training.accumulate_gradient": 4}
    logs = {"log": str(tmp_path / "two-log"), "model": str(tmp_path / "two")}
    assert train("cnn", fits, config=config(limit=100), **logs) == 0
    assert "out of memory" not in capsys.readouterr().out
    histories = [
        [json.loads(line)["losses"] for line in (tmp_path / log / "history.jsonl").open()]
        for log in ("one-log", "two-log")
    ]
    assert histories[0] == histories[1]


def test_one_document_that_does_not_fit_is_an_error(train: Train, tmp_path: Path) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        train("cnn", {"training.max_steps": 2}, config=config(limit=0))
    assert not (tmp_path / "out/model").exists()
