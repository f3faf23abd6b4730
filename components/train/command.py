"""Train a spaCy pipeline and keep the one that does best on the dev corpus."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from components.custom_code import code_in_use
from components.settings import parse
from components.stage import StageResult
from components.train.settings import TrainSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's inputs and outputs."""
    parser.add_argument("--task", choices=["ner"], required=True)
    parser.add_argument("--train-corpus", type=Path, required=True, help="folder of .spacy shards")
    parser.add_argument("--dev-corpus", type=Path, required=True, help="folder of .spacy shards")
    parser.add_argument("--labels", required=True, help="the phase's labels, a JSON list")
    parser.add_argument("--config", required=True, help="the text of a spaCy config")
    parser.add_argument("--overrides", default="{}", help="dotted key -> value, as JSON")
    parser.add_argument("--code", default="", help="the text of a module to import first; '' none")
    parser.add_argument(
        "--champion", default="", help="folder of a model to start from; '' or an empty one: none"
    )
    parser.add_argument("--settings", default="{}", help="TrainSettings as JSON")
    parser.add_argument(
        "--checkpoints",
        default="",
        help="folder for checkpoints, the same at each attempt; '' none",
    )
    parser.add_argument("--model", type=Path, required=True, help="folder for the pipeline")
    parser.add_argument("--log", type=Path, required=True, help="folder for the log")


def run(args: argparse.Namespace) -> StageResult:
    """Train.

    Returns:
        metadata of `model`: the best score on dev, its step, and the steps trained.

    Raises:
        ConfigError: settings, config, overrides or the user's module are wrong.
        DataError: a corpus is not what `convert` wrote.
        RemoteError: the model hub did not answer.
        StoppedError: a signal asked to stop; a checkpoint is written.
    """
    from components.train.run import train_pipeline

    settings = parse(TrainSettings, args.settings, "--settings")
    labels = parse(list[str], args.labels, "--labels")
    overrides = parse(dict[str, Any], args.overrides, "--overrides")
    with code_in_use(args.code):
        state = train_pipeline(
            task=args.task,
            train_corpus=args.train_corpus,
            dev_corpus=args.dev_corpus,
            labels=labels,
            config_text=args.config,
            overrides=overrides,
            code=args.code,
            settings=settings,
            champion=Path(args.champion) if args.champion else None,
            model=args.model,
            log=args.log,
            checkpoints=Path(args.checkpoints) if args.checkpoints else None,
        )
    metadata: dict[str, Any] = {
        "framework": "spaCy",
        "dev_score": state.best_score,
        "best_step": state.best_step,
        "steps": state.step,
    }
    return StageResult(metadata={"model": metadata})
