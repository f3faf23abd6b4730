"""Prove a training config and its corpora on a plain machine, before a GPU is paid for."""

from __future__ import annotations

import argparse
from typing import Any

from components.custom_code import code_in_use
from components.garbage import lasting
from components.interface import TASKS, Input, Output, Parameter
from components.program import whole
from components.settings import parse
from components.stage import StageResult
from components.tasks import tasks_of

INTERFACE = (
    TASKS,
    Input("train_corpus", "Dataset", "folder of .spacy shards"),
    Input("dev_corpus", "Dataset", "folder of .spacy shards"),
    Parameter("config", "the text of a spaCy config"),
    Parameter("overrides", "dotted key -> value, as JSON", dict, default="{}"),
    Parameter("code", "the text of a module to import first; '' none", default=""),
    Output("findings", "Markdown", "Markdown to write"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Run spaCy's `debug config` and `debug data`, and initialise the pipeline as train will.

    Raises:
        ConfigError: the config, its overrides, the user's module or what they name is wrong.
        DataError: the corpora can't be trained on; `findings` is written.
        RemoteError: the model hub did not answer.
    """
    with lasting():
        from components.train.prove import prove
        from components.train.run import read_all

    tasks = tasks_of(args.tasks)
    # kfp writes 40.0 for 40, and a training config wants an integer.
    overrides = whole(parse(dict[str, Any], args.overrides, "--overrides"))
    corpora = (args.train_corpus, args.dev_corpus)
    with code_in_use(args.code):
        config = read_all(args.config, overrides, tasks, *corpora)
        prove(tasks, *corpora, args.findings, config)
    return StageResult()
