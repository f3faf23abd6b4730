"""Train a spaCy pipeline and keep the one that does best on the dev corpus."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from components.custom_code import code_in_use
from components.digests import check, together
from components.garbage import lasting
from components.interface import TASKS, Input, Output, Parameter, Result
from components.production import NOBODY, champion_model
from components.program import whole
from components.settings import parse
from components.stage import StageResult
from components.tasks import tasks_of
from components.train.settings import TrainSettings

INTERFACE = (
    TASKS,
    Input("train_corpus", "Dataset", "folder of .spacy shards"),
    Input("dev_corpus", "Dataset", "folder of .spacy shards"),
    Parameter("training_digest", "of the two corpora; '' not compared", default=""),
    Input("champion", "Model", "folder of a model to start from", required=False),
    Parameter("champion_digest", "of that model; none: there is none", default=""),
    Parameter("config", "the text of a spaCy config"),
    Parameter("overrides", "dotted key -> value, as JSON", dict, default="{}"),
    Parameter("code", "the text of a module to import first; '' none", default=""),
    Parameter("settings", "TrainSettings as JSON", dict, default="{}"),
    Parameter(
        "checkpoints", "folder for checkpoints, the same at each attempt; '' none", default=""
    ),
    Output("model", "Model", "folder for the pipeline"),
    Output("log", "Artifact", "folder for the log"),
    Output(
        "findings",
        "Markdown",
        "what `debug` says; left out: config and corpora are not proven first",
        required=False,
    ),
    Result("model_digest"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Train.

    Returns:
        parameter `model_digest`; metadata of `model`: the best score on dev, its step, and the
        steps trained.

    Raises:
        ConfigError: settings, config, overrides or the user's module are wrong.
        DataError: a corpus is not what `convert` wrote, or can't be trained on, or the model to
            start from cannot be read.
        RemoteError: the model hub did not answer.
        StoppedError: a signal asked to stop; a checkpoint is written.
    """
    with lasting():
        from components.train.prove import prove
        from components.train.run import train_pipeline

    check(args.training_digest, train=args.train_corpus, dev=args.dev_corpus)
    champion = champion_model(args.champion, args.champion_digest)
    if args.champion_digest == NOBODY:
        print("No model is in production: training starts from base weights.", flush=True)
    settings = parse(TrainSettings, args.settings, "--settings")
    tasks = tasks_of(args.tasks)
    # kfp writes 40.0 for 40, and a training config wants an integer.
    overrides = whole(parse(dict[str, Any], args.overrides, "--overrides"))
    with code_in_use(args.code):
        corpora = (args.train_corpus, args.dev_corpus)
        state = train_pipeline(
            tasks=tasks,
            train_corpus=args.train_corpus,
            dev_corpus=args.dev_corpus,
            config_text=args.config,
            overrides=overrides,
            code=args.code,
            settings=settings,
            champion=champion,
            model=args.model,
            log=args.log,
            checkpoints=Path(args.checkpoints) if args.checkpoints else None,
            prove=partial(prove, tasks, *corpora, args.findings) if args.findings else None,
        )
    score, step = state.best
    metadata: dict[str, Any] = {
        "framework": "spaCy",
        "dev_score": score,
        "best_step": step,
        "steps": state.step,
    }
    digest = together(model=args.model)
    return StageResult(parameters={"model_digest": digest}, metadata={"model": metadata})
