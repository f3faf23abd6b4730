"""Vectors of a large vocabulary stay as they are, all else of a transformer learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from safetensors.torch import load_file

from components.train import vocabulary

Train = Callable[..., int]
SETTINGS = {
    "components.transformer.model.name": "tiny/bert",
    "training.max_steps": 3,
    "training.optimizer.learn_rate.total_steps": 3,
}
WORDS = "embeddings.word_embeddings.weight"


@pytest.mark.parametrize("large", [150, vocabulary.LARGE])
def test_only_a_large_vocabulary_is_frozen(
    train: Train,
    base_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    large: int,
) -> None:
    monkeypatch.setattr(vocabulary, "LARGE", large)
    assert train("minilm-tokens", SETTINGS) == 0
    transformer: Any = spacy.load(tmp_path / "out/model").get_pipe("transformer")
    now = transformer.model.transformer.state_dict()
    before = load_file(base_models / "tiny--bert/model.safetensors")
    moved = {name for name, weights in before.items() if not torch.equal(weights, now[name])}
    assert (WORDS in moved) is (large > 150)
    assert "encoder.layer.0.output.dense.weight" in moved
    assert "embeddings.position_embeddings.weight" in moved
    said = f"The vectors of {len(before[WORDS]):,} word pieces stay as they are"
    assert (said in capsys.readouterr().out) is (large == 150)
