"""Decide whether a retrain is due: a schedule that finds nothing new costs next to nothing."""

from __future__ import annotations

import argparse
from typing import Any

from components.due import decide
from components.errors import ConfigError
from components.files import writing
from components.interface import Input, Output, Parameter, Result
from components.registry import examples
from components.registry.open import open_registry
from components.registry.settings import DueSettings
from components.settings import parse
from components.stage import StageResult

INTERFACE = (
    Input("annotations", "Dataset", "JSON Lines from `ingest`"),
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…"),
    Parameter("model", "name of the model in the registry"),
    Parameter("alias", "alias of the version in production"),
    Parameter("digest", "digest of the input (fingerprint)"),
    Parameter("context", "the phase's config as JSON", dict),
    Parameter(
        "when", "always: train; due: only if enough is new, or the model in production is old"
    ),
    Parameter("settings", "DueSettings as JSON", dict, default="{}"),
    Output("examples", "Artifact", "JSON to write: which annotations these are"),
    Output("summary", "Markdown", "Markdown to write"),
    Result("decision"),
    Result("why"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Write down which annotations these are, and compare them with the model in production.

    Returns:
        parameters `decision` ("train" or "wait") and `why`, a sentence.

    Raises:
        ConfigError: `--when` is something else.
        DataError: an input, or what is kept beside the model, cannot be read.
    """
    keys = examples.keys_of(args.annotations)
    examples.write_keys(args.examples, keys, examples.said_in(args.annotations))
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
    message = f"{'Trains' if decision == 'train' else 'Waits'}: {why}"
    with writing(args.summary) as path:
        path.write_text(f"{message}\n", encoding="utf-8")
    print(message)
    return StageResult(parameters={"decision": decision, "why": why})
