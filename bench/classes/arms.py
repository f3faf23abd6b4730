"""What is compared: the floor, spaCy's own classifiers, and retrain with and without its parts.

Each runs in a process of its own on one thread. `seconds` are processor seconds of training: from
an initialised pipeline to the model on disk, evaluation on dev and calibration included; reading
exports, imports, and predicting test are not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.classes.corpora import TASK, task, write
from bench.classes.data import COLLECTIONS, ROOT, Collection
from bench.run import peak_memory
from components.records.prediction import Prediction
from components.tasks.base import Task

CONFIGS = ROOT / "pipelines" / "config" / "training"
ANY = {
    "components.classes.factory": "textcat_multilabel",
    "components.classes.model.exclusive_classes": False,
}


@dataclass(frozen=True)
class Arm:
    """One way to learn.

    Attributes:
        kind: "floor", "spacy" or "retrain".
        config: of retrain, or what spaCy's own `init config` optimises for; "transformer" is its
            config for a GPU, over MiniLM and as short as a CPU allows.
        changes: dotted keys of the training config.
        settings: of the task.
    """

    name: str
    kind: str
    config: str = "minilm-classes"
    changes: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


ARMS = {
    arm.name: arm
    for arm in (
        Arm("floor", "floor"),
        Arm("spaCy, bag of words", "spacy", "efficiency"),
        Arm("spaCy, ensemble", "spacy", "accuracy"),
        Arm("spaCy, MiniLM", "spacy", "transformer"),
        Arm("retrain, minilm-classes", "retrain"),
        Arm("labels weigh alike", "retrain", settings={"balance": 0.0}),
        Arm("batches of like length", "retrain", changes={"training.batcher.buffer": 2048}),
        Arm("one learning rate", "retrain", changes={"training.optimizer.head_rate": 1.0}),
        Arm("160 steps", "retrain", changes={"training.max_steps": 160}),
        Arm("retrain, cnn-classes", "retrain", "cnn-classes"),
    )
}
BASE = "sentence-transformers/all-MiniLM-L6-v2"
# As many word pieces as `minilm-classes` sees of 400 short texts, twice over.
TRANSFORMER = {
    "training.max_steps": 60,
    "training.eval_frequency": 20,
    "training.accumulate_gradient": 1,
    "training.optimizer.learn_rate.warmup_steps": 6,
    "training.optimizer.learn_rate.total_steps": 60,
}


def run(arm: Arm, data: str, seed: int) -> dict[str, Any]:
    """Learn and score; macro F and the like are fractions."""
    import torch

    torch.set_num_threads(1)
    collection = COLLECTIONS[data]()
    language = "de" if data == "germeval2018" else "en"
    judged = task(collection, **arm.settings)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(collection, root, language)
        learn: dict[str, Callable[..., tuple[float, Sequence[Prediction]]]] = {
            "floor": of_floor,
            "spacy": of_spacy,
            "retrain": of_retrain,
        }
        seconds, predictions = learn[arm.kind](arm, collection, judged, root, language, seed)
    return {"seconds": seconds, "peak": peak_memory(), **figures(judged, predictions)}


def figures(judged: Task, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """The scores of a run."""
    from components.tasks.scores import block_of

    block = block_of(judged, predictions, slice_keys=(), resamples=100, seed=0)
    areas = [one["auc"] for one in block["ranking"].values() if one["auc"] is not None]
    return {
        "macro": block["macro"]["f"],
        "f": block["overall"]["f"],
        "auc": sum(areas) / len(areas),
        "ece": block["calibration"]["ece"],
        "coverage": block["calibration"]["coverage_at_95"],
        "intervals": {"macro": block["macro_interval"], **block["intervals"]},
        "labels": {name: one["f"] for name, one in block["labels"].items()},
    }


def of_floor(
    _: Arm, collection: Collection, judged: Task, root: Path, __: str, ___: int
) -> tuple[float, Sequence[Prediction]]:
    """The linear model that the report names."""
    from components.evaluate.floor import annotated

    train, dev = (list(annotated(root / split, judged)) for split in ("train", "dev"))
    asked = [
        Prediction(
            id=str(number),
            text=text,
            words=0,
            gold=[label for label, right in cats.items() if right],
            predicted=[],
            task=TASK,
        )
        for number, (text, cats) in enumerate(collection.rows["test"])
    ]
    before = time.process_time()
    said = judged.floor(train, dev, asked)
    assert said is not None
    return time.process_time() - before, said


def of_spacy(
    arm: Arm, collection: Collection, judged: Task, root: Path, language: str, seed: int
) -> tuple[float, Sequence[Prediction]]:
    """`spacy train` with the config that `spacy init config` writes."""
    from spacy.cli.init_config import init_config
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train
    from thinc.api import Config

    from components.train.base_weights import find_all, localised

    on_transformer = arm.config == "transformer"
    name = "textcat" if collection.exclusive else "textcat_multilabel"
    config = init_config(
        lang=language,
        pipeline=[name],
        optimize="efficiency" if on_transformer else arm.config,
        gpu=on_transformer,
    )
    changes = {
        "paths.train": str(root / "train"),
        "paths.dev": str(root / "dev"),
        "paths.vectors": None,  # spaCy's are not part of it
        "training.seed": seed,
    }
    if on_transformer:
        changes |= TRANSFORMER | {"components.transformer.model.name": BASE}
    elif arm.config == "accuracy":
        changes["components.tok2vec.model.embed.include_static_vectors"] = False
    config = Config().from_str(config.to_str(), overrides=changes)
    config["training"]["logger"] = {"@loggers": "spacy.ConsoleLogger.v1", "progress_bar": False}
    config = localised(config, find_all(config))
    nlp = init_nlp(config.interpolate())
    (root / "model").mkdir()
    before = time.process_time()
    train(nlp, root / "model")
    seconds = time.process_time() - before
    return seconds, predicted(judged, root / "model/model-best", root / "test")


def of_retrain(
    arm: Arm, collection: Collection, judged: Task, root: Path, language: str, seed: int
) -> tuple[float, Sequence[Prediction]]:
    """The train stage, in this process."""
    from components.train import run as stage
    from components.train.settings import TrainSettings

    started = []
    initialise = stage.initialise

    def noted(*args: Any, **kwargs: Any) -> Any:
        made = initialise(*args, **kwargs)
        started.append(time.process_time())
        return made

    stage.initialise = noted
    stage.train_pipeline(
        tasks=[judged],
        train_corpus=root / "train",
        dev_corpus=root / "dev",
        config_text=(CONFIGS / f"{arm.config}.cfg").read_text(encoding="utf-8"),
        overrides={
            "system.seed": seed,
            **({} if language == "en" else {"nlp.lang": language}),
            **arm.changes,
            **({} if collection.exclusive else ANY),
        },
        code="",
        settings=TrainSettings(),
        champion=None,
        model=root / "model",
        log=root / "log",
        checkpoints=None,
    )
    seconds = time.process_time() - started[0]
    return seconds, predicted(judged, root / "model", root / "test")


def predicted(judged: Task, model: Path, test: Path) -> Sequence[Prediction]:
    """What a model on disk says of the test corpus, as `evaluate` sees it."""
    from components.evaluate.run import load
    from components.evaluate.run import run as predict

    return predict(load(model), test, [judged], 128).predictions[TASK]
