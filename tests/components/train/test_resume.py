"""A run that is killed, stopped or damaged goes on as if nothing had happened, to the bit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import spacy

from components.train.checkpoint import Latest
from components.train.snapshot import nodes, weights
from tests.components.train.conftest import CONFIGS, ROOT, arguments
from tests.support.narrow import NARROW

Train = Callable[..., int]

# Every evaluation ties with the one before, so that the last weights are the ones that are kept.
LAST = {"training.score_weights.ents_f": 0.0, "training.eval_frequency": 10}
SETTINGS = json.dumps({"checkpoint_every": 3, "checkpoint_share": 1})
# Draws from every source of random numbers, while batches are made and before an update.
CODE = """\
import random

import numpy
import torch
from spacy.util import registry


@registry.augmenters("lottery.v1")
def lottery():
    def augment(nlp, example):
        drawn = (random.random(), numpy.random.random(), torch.rand(1).item())
        for number in drawn:
            if number < 0.3:
                yield example
        yield example

    return augment


@registry.callbacks("noise.v1")
def noise():
    def disturb(nlp, args):
        layer = nlp.get_pipe("ner").model.get_ref("tok2vec").layers[-1]
        width = random.random() * torch.rand(1).item() / 100
        drawn = numpy.random.normal(0.0, width, layer.get_param("b").shape)
        layer.set_param("b", layer.get_param("b") + drawn.astype("f"))

    return disturb
"""


def config_with_code() -> str:
    """cnn.cfg with the functions of CODE."""
    text = (CONFIGS / "cnn.cfg").read_text(encoding="utf-8")
    text = text.replace("augmenter = null\n", "", 1).replace("before_update = null\n", "")
    text += '\n[corpora.train.augmenter]\n@augmenters = "lottery.v1"\n'
    return text + '\n[training.before_update]\n@callbacks = "noise.v1"\n'


CUSTOM = {"config": config_with_code(), "code": CODE}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "custom": ("cnn", {**LAST, **NARROW, "training.max_steps": 60}),
    "cnn": (
        "cnn",
        {**LAST, "training.max_steps": 60, "training.optimizer.use_averages": True},
    ),
    "transformer": (
        "minilm",
        {
            **LAST,
            "training.max_steps": 40,
            "training.batcher.size": 200,
            "components.transformer.model.name": "tiny/bert",
        },
    ),
    "token classifier in mixed precision": (
        "minilm-tokens",
        {
            **LAST,
            "training.max_steps": 40,
            "training.batcher.size": 200,
            "components.transformer.model.name": "tiny/bert",
        },
    ),
}


@pytest.fixture
def attempt(
    tmp_path: Path, corpora: tuple[Path, Path], base_models: Path
) -> Callable[..., subprocess.Popen[str]]:
    """Start the stage as a process of its own, with checkpoints at every third step."""

    def start(config: str, overrides: dict[str, Any], /, **more: str) -> subprocess.Popen[str]:
        options = {"checkpoints": str(tmp_path / "ckpt"), "settings": SETTINGS, **more}
        stage = arguments(config, overrides, corpora, tmp_path / "resumed", **options)
        return subprocess.Popen(
            [sys.executable, "-m", "components", *stage],
            cwd=ROOT,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "HF_HUB_OFFLINE": "1",
                "RETRAIN_BASE_MODELS": str(base_models),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    return start


def latest(checkpoints: Path) -> Latest | None:
    """What LATEST says, once there is one."""
    files = list(checkpoints.glob("*/LATEST"))
    return msgspec.json.decode(files[0].read_bytes(), type=Latest) if files else None


def wait_for_step(process: subprocess.Popen[str], checkpoints: Path, step: int) -> None:
    """Wait until a checkpoint of this step or a later one is there."""
    while process.poll() is None:
        now = latest(checkpoints)
        if now and int(now.checkpoints[0].name.removeprefix("ckpt-")) >= step:
            return
        time.sleep(0.02)
    raise AssertionError(f"the stage ended too early:\n{process.communicate()[0]}")


def learnt(model: Path) -> dict[str, Any]:
    """All weights of a saved pipeline."""
    nlp = spacy.load(model)
    return {f"{name}/{key}": value for name, node in nodes(nlp) for key, value in weights(node)}


def story(log: Path) -> list[dict[str, Any]]:
    """The history of a run without what depends on the clock."""
    lines = (log / "history.jsonl").read_text(encoding="utf-8").splitlines()
    clock = {"seconds", "evaluation_seconds", "words_per_second"}
    return [{k: v for k, v in json.loads(line).items() if k not in clock} for line in lines]


def assert_same_outcome(out: Path, other: Path) -> None:
    """Both runs tell the same story and end with the same weights, bit for bit."""
    assert story(out / "log") == story(other / "log")
    one, two = learnt(out / "model"), learnt(other / "model")
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


@pytest.mark.parametrize("name", RUNS)
def test_killed_twice_gives_the_same_weights(
    train: Train,
    attempt: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    name: str,
) -> None:
    config, overrides = RUNS[name]
    more = CUSTOM if name == "custom" else {}
    assert train(config, overrides, **more) == 0
    kills = sorted(random.sample(range(3, overrides["training.max_steps"] - 20), 2))
    print(f"killed after the checkpoints of steps {kills}")
    for step in kills:
        process = attempt(config, overrides, **more)
        wait_for_step(process, tmp_path / "ckpt", step)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (tmp_path / "resumed/model").exists()
    process = attempt(config, overrides, **more)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert "Resumed after step" in output
    assert_same_outcome(tmp_path / "out", tmp_path / "resumed")
    assert list((tmp_path / "ckpt").iterdir()) == []


def test_asked_to_stop_leaves_a_checkpoint_of_that_step(
    train: Train, attempt: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    config, overrides = RUNS["cnn"]
    assert train(config, overrides) == 0
    process = attempt(config, overrides)
    wait_for_step(process, tmp_path / "ckpt", 9)
    process.send_signal(signal.SIGTERM)
    output = process.communicate()[0]
    assert process.returncode == 1
    now = latest(tmp_path / "ckpt")
    assert now
    step = now.checkpoints[0].name.removeprefix("ckpt-")
    assert f"stopped by SIGTERM after step {step}." in output
    process = attempt(config, overrides)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert f"Resumed after step {step}" in output
    assert_same_outcome(tmp_path / "out", tmp_path / "resumed")
