"""Evaluation gives spaCy's own scores and keeps nothing of what it made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from thinc.api import Config

from components.tasks import tasks_of
from components.train.config import read_config
from components.train.encodings import Encodings
from components.train.evaluation import PADDED, Evaluation
from components.train.pieces import size_of
from components.train.run import initialise
from tests.components.train.conftest import CONFIGS, LABELS, write_corpus


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


def test_what_a_task_must_know_is_noted_while_the_transformer_is_there(
    tmp_path: Path, base_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its vectors are let go of behind each batch: what is asked later reads zeros."""
    monkeypatch.setenv("RETRAIN_BASE_MODELS", str(base_models))
    for split in ("train", "dev"):
        write_corpus(tmp_path / split, range(12), group="parts")
    tasks = tasks_of(json.dumps([{"name": "parts", "kind": "spans", "labels": LABELS}]))
    config = read_config(
        (CONFIGS / "minilm-tasks.cfg").read_text(encoding="utf-8"),
        {
            "components.transformer.model.name": "tiny/bert",
            "components.transformer.model.mixed_precision": False,
            "components.parts.suggester.sizes": [2, 3],
        },
        tasks,
    )
    nlp, training = initialise(config, tmp_path / "train", tmp_path / "dev", use_gpu=-1)
    predicted = Evaluation(nlp, list(training.dev(nlp))).predictions(
        lambda examples: tasks[0].note(nlp, examples)
    )
    categoriser: Any = nlp.get_pipe("parts")
    for one in predicted:
        said, truths = one.predicted.user_data["retrain_runs_of_parts"]
        _, expected = categoriser.predict([nlp(one.text)])
        assert said == pytest.approx(expected, abs=1e-5)
        assert len({*said[:, 0].tolist()}) > 1
        assert truths.sum() == 1
    finished = tasks[0].after_training(nlp, predicted)
    assert categoriser.cfg["threshold"] == finished["threshold"]
