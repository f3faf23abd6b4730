"""Ways to train the same model on the same documents, each a function of a clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import timed
from bench.train.clock import Clock
from pipelines.config.shipped import shipped_config

STEPS = 240
RATE = 5e-4
# MiniLM cut to two layers, so that a run takes minutes on one core; steps of about 850 words.
SHAPE = {
    "training.max_steps": STEPS,
    "training.eval_frequency": 30,
    "training.patience": 0,
    "training.batcher.size": 1000,
    "training.optimizer.learn_rate.total_steps": STEPS,
    "training.optimizer.learn_rate.warmup_steps": 20,
    "training.optimizer.learn_rate.initial_rate": RATE,
    "components.transformer.model.transformer_config": {"num_hidden_layers": 2},
    "training.logger": {"@loggers": "bench.clock.v1"},
}
PIECES: dict[str, Any] = {
    "training.batcher": {
        "@batchers": "retrain.batch_by_pieces.v1",
        "size": 1200,
        "buffer": 2048,
    },
    "training.accumulate_gradient": 1,
}
PADDED: dict[str, Any] = {
    "training.batcher": {
        "@batchers": "spacy.batch_by_padded.v1",
        "discard_oversize": False,
        "size": 1000,
        "buffer": 256,
        "get_length": None,
    },
    "training.accumulate_gradient": 3,
}
MIXED = {"components.transformer.model.mixed_precision": True}
EXACT = {"components.transformer.model.mixed_precision": False}
# As minilm-tokens.cfg has it.
TWO_RATES = {
    "training.optimizer.learn_rate.initial_rate": 2e-4,
    "training.optimizer.head_rate": 25.0,
}
ONE_RATE = {"training.optimizer.head_rate": 1.0}


@dataclass(frozen=True)
class Arm:
    """A way to train: whose loop, which config of ours, and what is changed in it.

    Attributes:
        without: parts of our loop to take away again, see `bench.train.ablation`.
    """

    name: str
    loop: str = "retrain"
    config: str = "minilm"
    changes: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()


ARMS = {
    arm.name: arm
    for arm in (
        Arm("spacy train", "stock", changes={"training.batcher.discard_oversize": True}),
        Arm("spacy train, nothing discarded", "stock"),
        Arm("transformers' Trainer", "trainer"),
        Arm("retrain, same config"),
        Arm("retrain, batches by pieces", changes=PIECES),
        Arm("retrain, minilm-fast", changes={**PIECES, **MIXED}),
        Arm(
            "retrain, minilm-tokens at one rate",
            config="minilm-tokens",
            changes={**PIECES, **MIXED, **ONE_RATE},
        ),
        Arm(
            "retrain, minilm-tokens",
            config="minilm-tokens",
            changes={**PIECES, **MIXED, **TWO_RATES},
        ),
    )
}


def run(arm: Arm, seed: int, corpora: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """Train once; return the curve, the fractions of time, processor seconds and memory in MiB."""
    from spacy.util import registry

    from bench.train.ablation import take_away

    clock = Clock()
    registry.loggers.register("bench.clock.v1", func=clock.logger)
    if arm.loop != "trainer":
        clock.watch_spacy()
    if arm.loop == "retrain":
        clock.watch_ours()
    take_away(arm.without)
    loops = {"stock": stock, "retrain": by_retrain, "trainer": trainer}
    with TemporaryDirectory() as out:
        _, figures = timed(
            lambda: loops[arm.loop](config_of(arm, seed, changes), corpora, Path(out), clock)
        )
    return {**clock.figures(), "peak": figures["peak"]}


def config_of(arm: Arm, seed: int, changes: dict[str, Any]) -> Any:
    """The spaCy config of an arm."""
    from thinc.api import Config

    text = shipped_config(arm.config).read_text(encoding="utf-8")
    config: Any = Config().from_str(text, interpolate=False)
    for key, value in {**SHAPE, **arm.changes, **changes, "system.seed": seed}.items():
        *sections, last = key.split(".")
        place = config
        for section in sections:
            place = place[section]
        place[last] = value
    return config


def stock(config: Any, corpora: Path, out: Path, clock: Clock) -> None:
    """What `python -m spacy train` does after it has read its arguments."""
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train

    from components.train.base_weights import find_all, localised

    config = localised(config, find_all(config))
    config["paths"].update(train=str(corpora / "train"), dev=str(corpora / "dev"))
    with (out / "stdout").open("w", encoding="utf-8") as stdout:
        nlp = init_nlp(config)
        clock.start()
        train(nlp, out, stdout=stdout)


def by_retrain(config: Any, corpora: Path, out: Path, clock: Clock) -> None:
    """What the train stage does."""
    from components.tasks import task_of
    from components.tasks.base import TaskSettings
    from components.train import run as stage
    from components.train.settings import TrainSettings

    started_after(stage, "initialise", clock)
    labels = json.loads((corpora / "labels.json").read_text(encoding="utf-8"))
    stage.train_pipeline(
        tasks=[task_of(TaskSettings(name="ner", labels=labels))],
        train_corpus=corpora / "train",
        dev_corpus=corpora / "dev",
        config_text=config.to_str(interpolate=False),
        overrides={},
        code="",
        settings=TrainSettings(),
        champion=None,
        model=out / "model",
        log=out / "log",
        checkpoints=None,
    )


def started_after(module: Any, name: str, clock: Clock) -> None:
    """Start the clock whenever a function has returned."""
    function: Callable[..., Any] = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        clock.start()
        return result

    setattr(module, name, wrapped)


def trainer(config: Any, corpora: Path, out: Path, clock: Clock) -> None:
    """Hugging Face's Trainer, see `bench.train.trainer`."""
    from bench.train.trainer import train

    train(config, corpora, out, clock)
