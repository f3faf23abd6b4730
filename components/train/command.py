"""Train a spaCy pipeline and keep the one that does best on the dev corpus."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from components.errors import ConfigError
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
        ConfigError: settings, config or overrides are wrong.
        DataError: a corpus is not what `convert` wrote.
        RemoteError: the model hub did not answer.
        StoppedError: a signal asked to stop; a checkpoint is written.
    """
    from components.train.run import train_pipeline

    try:
        settings = TrainSettings.model_validate_json(args.settings)
    except ValidationError as error:
        raise ConfigError(f"--settings: {error}") from error
    state = train_pipeline(
        task=args.task,
        train_corpus=args.train_corpus,
        dev_corpus=args.dev_corpus,
        labels=parse(args.labels, "--labels", list),
        config_text=args.config,
        overrides=parse(args.overrides, "--overrides", dict),
        settings=settings,
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


def parse(text: str, option: str, kind: type) -> Any:
    """Parse an option that holds JSON of a given type."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{option}: not JSON: {error}") from error
    if not isinstance(value, kind):
        raise ConfigError(f"{option}: expected a JSON {kind.__name__}, not {text[:60]}")
    return value
