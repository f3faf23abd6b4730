"""Decide whether a retrain is due: a schedule that finds nothing new costs next to nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from components.due import decide
from components.errors import ConfigError
from components.files import writing
from components.registry import examples
from components.registry.open import open_registry
from components.registry.settings import DueSettings
from components.settings import parse
from components.stage import StageResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's inputs and outputs."""
    parser.add_argument("--annotations", type=Path, required=True, help="JSON Lines from `ingest`")
    parser.add_argument("--registry", required=True, help="folder, or vertex://PROJECT/LOCATION/…")
    parser.add_argument("--model", required=True, help="name of the model in the registry")
    parser.add_argument("--alias", required=True, help="alias of the version in production")
    parser.add_argument("--digest", required=True, help="digest of the input (fingerprint)")
    parser.add_argument("--context", required=True, help="the phase's config as JSON")
    parser.add_argument(
        "--when",
        required=True,
        help="always: train; due: only if enough is new, or the model in production is old",
    )
    parser.add_argument("--settings", default="{}", help="DueSettings as JSON")
    parser.add_argument(
        "--examples", type=Path, required=True, help="JSON to write: which annotations these are"
    )
    parser.add_argument("--summary", type=Path, required=True, help="Markdown to write")


def run(args: argparse.Namespace) -> StageResult:
    """Write down which annotations these are, and compare them with the model in production.

    Returns:
        parameters `decision` ("train" or "wait") and `why`, a sentence.

    Raises:
        ConfigError: `--when` is something else.
        DataError: an input, or what is kept beside the model, cannot be read.
    """
    keys = examples.keys_of(args.annotations)
    examples.write_keys(args.examples, keys)
    if args.when == "always":
        decision, why = "train", "asked for, whatever is new."
    elif args.when == "due":
        now = decide.Input(args.digest, parse(dict[str, Any], args.context, "--context"), keys)
        settings = parse(DueSettings, args.settings, "--settings")
        decision, why = decide.decide(
            open_registry(args.registry), args.model, args.alias, now, settings
        )
    else:
        raise ConfigError(f"when: expected always or due, not {args.when!r}")
    told = f"{'Trains' if decision == 'train' else 'Waits'}: {why}"
    with writing(args.summary) as path:
        path.write_text(f"{told}\n", encoding="utf-8")
    print(told)
    return StageResult(parameters={"decision": decision, "why": why})
