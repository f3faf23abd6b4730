"""Prove a config and its corpora, by spaCy's `debug` commands and an initialisation."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy.language import Language
from thinc.api import Config

from components.errors import ConfigError, DataError
from components.files import writing
from components.tasks.base import Task
from components.train.base_weights import find_all, loading, localised
from components.train.corpus import label_counts
from components.train.loop import Training
from components.train.reader import read_once
from components.train.run import initialise, unseen

# Below 100 documents spaCy calls it an error; but it gives a poor model, not a broken one.
SMALL = re.compile(r"Low number of examples to train a new pipeline \(\d\d?\)")
ERRORS = re.compile(r"^(\d+) errors?$", re.MULTILINE)


def prove(
    tasks: Sequence[Task], train_corpus: Path, dev_corpus: Path, findings: Path, config: Config
) -> tuple[Language, Training]:
    """Write down what spaCy says, and refuse what can't be trained on; see `components.debug`.

    Args:
        config: of `read_all`.

    Returns:
        the pipeline, initialised on a CPU, and what its config says of training.
    """
    nlp, training = initialise(config, train_corpus, dev_corpus, use_gpu=-1)
    missing = [
        label
        for task in tasks
        for label in unseen(task, nlp, label_counts(train_corpus, task.name))
    ]
    text = spacy_debug(config, train_corpus, dev_corpus)
    text += "".join(f"\nNo example of {label} in the training corpus" for label in missing)
    with writing(findings) as path:
        path.write_text(markdown(text), encoding="utf-8")
    print(text, flush=True)
    if count_errors(text, {one for task in tasks for one in task.harmless}):
        raise DataError(
            f"{train_corpus}: spaCy's `debug data` finds what can't be trained on; see "
            f"{findings}. Fix the annotations."
        )
    return nlp, training


def spacy_debug(config: Config, train_corpus: Path, dev_corpus: Path) -> str:
    """The text that `spacy debug config` and `spacy debug data` print."""
    from spacy.cli.debug_config import debug_config
    from spacy.cli.debug_data import debug_data

    weights = find_all(config)
    local = read_once(localised(config, weights))
    local["paths"].update(train=str(train_corpus), dev=str(dev_corpus))
    printed = StringIO()
    with TemporaryDirectory() as folder, loading(weights), redirect_stdout(printed):
        path = Path(folder) / "config.cfg"
        local.to_disk(path)
        try:
            debug_config(path)
        except SystemExit:
            raise ConfigError(f"training config: {plain(printed.getvalue())}") from None
        with suppress(SystemExit):  # it has found errors and has printed them
            debug_data(path, silent=False, no_format=True)
    return plain(printed.getvalue())


def plain(printed: str) -> str:
    """What was printed for a terminal, without colours."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", printed).strip()


def count_errors(text: str, harmless: Collection[str] = ()) -> int:
    """How many errors spaCy counted, but for a corpus that is merely small.

    Args:
        harmless: what is no error for the tasks at hand.
    """
    counted = sum(int(count) for count in ERRORS.findall(text))
    return counted - len(SMALL.findall(text)) - sum(text.count(each) for each in harmless)


def markdown(text: str) -> str:
    """The findings for a console that shows Markdown."""
    return f"# `spacy debug config`, `spacy debug data`\n\n```\n{text}\n```\n"
