"""Evaluation gives spaCy's own scores and keeps nothing of what it made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from thinc.api import Config

from components.train.encodings import Encodings
from components.train.evaluation import PADDED, Evaluation
from components.train.pieces import size_of
from components.train.run import initialise
from tests.components.train.conftest import CONFIGS


@pytest.mark.parametrize("config", ["minilm", "minilm-tokens", "cnn"])
def test_scores_are_those_of_spacy(
    config: str, corpora: tuple[Path, Path], base_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_BASE_MODELS", str(base_models))
    overrides = {} if config == "cnn" else {"components.transformer.model.name": "tiny/bert"}
    read = Config().from_disk(CONFIGS / f"{config}.cfg", interpolate=False, overrides=overrides)
    nlp, training = initialise(read, *corpora, use_gpu=-1)
    # Weights that find something: an untrained softmax says the same of every token.
    generator = torch.Generator().manual_seed(0)
    for _, pipe in nlp.pipeline:
        for node in pipe.model.walk() if getattr(pipe, "is_trainable", False) else ():
            if node.name == "softmax":
                shape = node.get_param("W").shape
                node.set_param("W", torch.randn(shape, generator=generator).numpy())
    dev = list(training.dev(nlp))
    expected = nlp.evaluate(dev)
    encodings = Encodings(nlp)
    encodings.add(dev)
    evaluation = Evaluation(nlp, dev)
    with encodings.used():
        actual = evaluation.evaluate(())
    assert sum(map(len, evaluation.batches)) == len(dev)
    assert actual.pop("speed") > 0
    expected.pop("speed")
    assert actual == expected
    assert not any(example.predicted.ents for example in dev)


def test_batches_are_of_a_length_and_bounded(corpora: tuple[Path, Path]) -> None:
    read = Config().from_disk(CONFIGS / "cnn.cfg", interpolate=False)
    nlp, training = initialise(read, *corpora, use_gpu=-1)
    batches = Evaluation(nlp, list(training.dev(nlp)) * 20).batches
    lengths = [[size_of(example.predicted)[1] for example in batch] for batch in batches]
    assert len(batches) > 1
    assert all(len(batch) * batch[-1] <= PADDED["cpu"] or len(batch) == 1 for batch in lengths)
    flat = [length for batch in lengths for length in batch]
    assert flat == sorted(flat)
