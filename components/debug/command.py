"""Prove a training config and its corpora on a plain machine, before a GPU is paid for."""

from __future__ import annotations

import argparse
import re
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.custom_code import code_in_use
from components.errors import DataError
from components.files import writing
from components.interface import Input, Output, Parameter
from components.settings import parse
from components.stage import StageResult

# Below 100 documents spaCy calls it an error; but it gives a poor model, not a broken one.
SMALL = re.compile(r"Low number of examples to train a new pipeline \(\d\d?\)")
ERRORS = re.compile(r"^(\d+) errors?$", re.MULTILINE)


INTERFACE = (
    Parameter("task", "what the model learns", choices=["ner"]),
    Input("train_corpus", "Dataset", "folder of .spacy shards"),
    Input("dev_corpus", "Dataset", "folder of .spacy shards"),
    Parameter("labels", "the phase's labels, a JSON list", list),
    Parameter("config", "the text of a spaCy config"),
    Parameter("overrides", "dotted key -> value, as JSON", dict, default="{}"),
    Parameter("code", "the text of a module to import first; '' none", default=""),
    Output("findings", "Artifact", "text to write"),
    Output("summary", "Markdown", "the same as Markdown"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Run spaCy's `debug config` and `debug data`, and initialise the pipeline as train will.

    Raises:
        ConfigError: the config, its overrides, the user's module or what they name is wrong.
        DataError: the corpora can't be trained on; `findings` and `summary` are written.
        RemoteError: the model hub did not answer.
    """
    labels = parse(list[str], args.labels, "--labels")
    overrides = parse(dict[str, Any], args.overrides, "--overrides")
    with code_in_use(args.code):
        text = debug(args.task, args.train_corpus, args.dev_corpus, labels, args.config, overrides)
    with writing(args.findings) as path:
        path.write_text(text, encoding="utf-8")
    with writing(args.summary) as path:
        path.write_text(markdown(text), encoding="utf-8")
    print(text, flush=True)
    if count_errors(text):
        raise DataError(
            f"{args.train_corpus}: spaCy's `debug data` finds what can't be trained on; see "
            f"{args.findings}. Mend the annotations."
        )
    return StageResult()


def debug(
    task: str,
    train_corpus: Path,
    dev_corpus: Path,
    labels: list[str],
    config_text: str,
    overrides: dict[str, Any],
) -> str:
    """What spaCy says about a config and its corpora, as text."""
    from components.train.base_weights import find_all, hub_errors, localised
    from components.train.config import read_config
    from components.train.corpus import verify
    from components.train.run import TASKS, initialise

    config = read_config(config_text, overrides)
    for corpus in (train_corpus, dev_corpus):
        verify(corpus)
    nlp, _ = initialise(config, train_corpus, dev_corpus, use_gpu=-1)
    missing = TASKS[task].check_labels(nlp, labels)
    weights = find_all(config)
    local = localised(config, weights)
    local["paths"].update(train=str(train_corpus), dev=str(dev_corpus))
    with TemporaryDirectory() as folder, hub_errors(weights):
        path = Path(folder) / "config.cfg"
        local.to_disk(path)
        text = spacy_debug(path)
    return text + "".join(f"\nNo example of {label} in the training corpus" for label in missing)


def spacy_debug(config: Path) -> str:
    """The text that `spacy debug config` and `spacy debug data` print."""
    from spacy.cli.debug_config import debug_config
    from spacy.cli.debug_data import debug_data

    printed = StringIO()
    with redirect_stdout(printed):
        debug_config(config)
        with suppress(SystemExit):  # it has found errors and has printed them
            debug_data(config, silent=False, no_format=True)
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", printed.getvalue()).strip()


def count_errors(text: str) -> int:
    """How many errors spaCy counted, but for a corpus that is merely small."""
    counted = sum(int(count) for count in ERRORS.findall(text))
    return counted - len(SMALL.findall(text))


def markdown(text: str) -> str:
    """The findings for a console that shows Markdown."""
    return f"# `spacy debug config`, `spacy debug data`\n\n```\n{text}\n```\n"
