"""From a corpus and a config to a trained pipeline on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.training.initialize import init_nlp
from thinc.api import Config, prefer_gpu

from components.base_models import advice
from components.custom_code import FILE_NAME as CODE_FILE
from components.errors import ConfigError
from components.files import filling, remove, writing
from components.memory import keep_freed_memory
from components.tasks.base import Task
from components.train.base_weights import find_all, loading, localised, restore_names
from components.train.checkpoint import Checkpoints
from components.train.checkpoint_schedule import CheckpointSchedule, Stop
from components.train.config import CORPUS_PATHS, explained, read_config
from components.train.corpus import documents_in, label_counts, verify
from components.train.evaluation import Evaluation
from components.train.gpu import looked_for
from components.train.heartbeat import Heartbeat
from components.train.inputs import inputs
from components.train.loop import Loop, Training, resolve
from components.train.named_files import packages
from components.train.of_corpus import settled
from components.train.reader import read_once
from components.train.settings import TrainSettings
from components.train.spaces import leave_out_spaces
from components.train.state import State
from components.train.training_log import Limits, TrainingLog
from components.train.warm_start import warm_start

# Of a config, the pipeline as it was initialised on a CPU, from base weights.
Prove = Callable[[Config], tuple[Language, Training]]


def train_pipeline(
    *,
    tasks: Sequence[Task],
    train_corpus: Path,
    dev_corpus: Path,
    config_text: str,
    overrides: dict[str, Any],
    code: str,
    settings: TrainSettings,
    champion: Path | None,
    model: Path,
    log: Path,
    checkpoints: Path | None,
    prove: Prove | None = None,
) -> State:
    """Train the pipeline of a config on a corpus; see `components.train.command`.

    Args:
        prove: what makes sure that this can be trained, before a GPU is used.
    """
    keep_freed_memory()
    with ExitStack() as stack:
        heartbeat = stack.enter_context(Heartbeat())
        heartbeat.doing("reading the config, the base weights and the corpora")
        config = read_all(config_text, overrides, tasks, train_corpus, dev_corpus)
        proven = prove(config) if prove else None
        use_gpu = choose_device(settings)
        if proven and use_gpu < 0 and not champion:
            nlp, training = proven
        else:
            nlp, training = initialise(
                config, train_corpus, dev_corpus, use_gpu=use_gpu, champion=champion, tasks=tasks
            )
        for task in tasks:
            counts = label_counts(train_corpus, task.name)
            for label in unseen(task, nlp, counts):
                print(f"Warning: no example of {label} in the training corpus: it can't be learnt.")
            task.before_training(nlp, counts or {})
        depends_on = inputs(
            config_text=config_text,
            overrides=overrides,
            code=code,
            packages=packages(config),
            champion=champion,
            corpora=[train_corpus, dev_corpus],
            tasks=tasks,
        )
        stop, schedule, root = Stop(), None, checkpoints
        if root:
            stack.enter_context(stop)
            schedule = CheckpointSchedule(settings)
        else:
            root = Path(stack.enter_context(TemporaryDirectory()))
        kept = Checkpoints(root, depends_on)
        remove(log)
        log = stack.enter_context(filling(log))
        checkpoint = kept.load(log)
        with training_log_of(training, log, heartbeat) as training_log:
            loop = Loop(nlp, training, training_log, partial(dev_scores, tasks), kept)
            if checkpoint:
                heartbeat.doing("coming back to the step of the checkpoint")
                loop.resume(*checkpoint)
            state = loop.run(schedule, stop)
        beside = {CODE_FILE: code} if code else {}
        kept.finish(model, beside)
        documents = documents_in(dev_corpus)
        finishing = [task for task in tasks if task.finishes(nlp, documents)]
        if finishing:
            finish(model, finishing, training, beside)
    return state


def read_all(
    config_text: str,
    overrides: dict[str, Any],
    tasks: Sequence[Task],
    train_corpus: Path,
    dev_corpus: Path,
) -> Config:
    """The config as these corpora make it; that they are whole is made sure of.

    Raises:
        ConfigError, DataError: as `read_config` and `verify` do.
    """
    config = read_config(config_text, overrides, tasks)
    for corpus in (train_corpus, dev_corpus):
        print(f"{corpus}: {verify(corpus):,} documents", flush=True)
    return settled(config, tasks, train_corpus)


def finish(
    model: Path, tasks: Sequence[Task], training: Training, beside: Mapping[str, str]
) -> None:
    """Let tasks finish the pipeline on dev; what they have to remember goes into its meta.

    Texts are read whole, as `evaluate` and the server read them, though training looks at their
    first pieces.
    """
    nlp = spacy.load(model)

    def note(examples: list[Example]) -> None:
        for task in tasks:
            task.note(nlp, [one for one in examples if task.annotated(one.reference)])

    predicted = Evaluation(nlp, list(training.dev(nlp))).predictions(note)
    nlp.meta["retrain"] = {
        task.name: task.after_training(
            nlp, [one for one in predicted if task.annotated(one.reference)]
        )
        for task in tasks
    }
    with writing(model) as folder:
        nlp.to_disk(folder)
        for name, text in beside.items():
            (folder / name).write_text(text, encoding="utf-8")


def unseen(task: Task, nlp: Language, counts: Mapping[str, int] | None) -> list[str]:
    """Labels of a task that its training corpus has no example of.

    Raises:
        ConfigError, DataError: as `Task.check_pipeline` does.
    """
    missing = set(task.check_pipeline(nlp))
    if counts is not None:  # a head may have been told its labels
        missing |= {label for label in task.labels if not counts.get(label)}
    return sorted(missing)


def dev_scores(tasks: Sequence[Task], evaluation: Mapping[str, Any]) -> dict[str, float]:
    """F, precision and recall on dev, as `f`, `p` and `r`; of several tasks as `topic.f`."""
    if len(tasks) == 1:
        return tasks[0].dev_scores(evaluation)
    return {
        f"{task.name}.{name}": score
        for task in tasks
        for name, score in task.dev_scores(evaluation).items()
    }


def training_log_of(training: Training, log: Path, heartbeat: Heartbeat) -> TrainingLog:
    """The training log of a run."""
    settings = training.settings
    limits = Limits(settings["max_steps"], settings["patience"])
    optimizer = settings["optimizer"]
    return TrainingLog(log, settings["logger"], limits, heartbeat, lambda: optimizer.learn_rate)


def choose_device(settings: TrainSettings) -> int:
    """Switch to the GPU where there is one and it is wanted; return spaCy's number for it."""
    on_gpu = settings.device != "cpu" and prefer_gpu()
    if settings.device == "gpu" and not on_gpu:
        raise ConfigError(
            f"train.device is gpu and there is none ({looked_for()}): give the task an "
            "accelerator, or set train.device to auto."
        )
    where = "GPU" if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    print(f"Training on {where}", flush=True)
    return 0 if on_gpu else -1


def initialise(
    config: Config,
    train_corpus: Path,
    dev_corpus: Path,
    *,
    use_gpu: int,
    champion: Path | None = None,
    tasks: Sequence[Task] = (),
) -> tuple[Language, Training]:
    """Build the pipeline with its weights and labels, and what its config says of training.

    Nothing of this machine is left in the pipeline's own config.

    Args:
        champion: the folder of a model whose weights are to be taken where they fit.
        tasks: what is to be learnt.
    """
    base = find_all(config)
    for weights in base:
        print(weights, flush=True)
        if said := advice(weights.name, config["nlp"]["lang"]):
            print(f"Warning: {said}", flush=True)
    local = read_once(localised(config, base))
    local["paths"].update(train=str(train_corpus), dev=str(dev_corpus))

    def initialised(labels: dict[str, Any]) -> Language:
        labelled = local.copy()
        with TemporaryDirectory() as folder, loading(base), explained("initialize"):
            for name, known in labels.items():
                path = Path(folder) / f"{name}.json"
                path.write_text(json.dumps(known), encoding="utf-8")
                reader = {"@readers": "spacy.read_labels.v1", "path": str(path)}
                labelled["initialize"]["components"].setdefault(name, {})["labels"] = reader
            return init_nlp(labelled, use_gpu=use_gpu)

    nlp = warm_start(champion, initialised, tasks) if champion else initialised({})
    leave_out_spaces(nlp)
    training = resolve(nlp)
    restore_names(nlp, base)
    nlp.config["paths"].update({key: config["paths"][key] for key in CORPUS_PATHS})
    for section in ("initialize", "corpora"):
        nlp.config[section] = config[section]
    return nlp, training
