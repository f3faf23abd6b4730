"""Prove a config and its corpora, by spaCy's `debug` commands and an initialisation."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.errors import ConfigError, DataError
from components.files import writing
from components.tasks.base import Task
from components.train.base_weights import find_all, hub_errors, localised
from components.train.config import read_config
from components.train.corpus import label_counts, verify
from components.train.of_corpus import settled
from components.train.reader import read_once
from components.train.run import initialise, unseen

# Below 100 documents spaCy calls it an error; but it gives a poor model, not a broken one.
SMALL = re.compile(r"Low number of examples to train a new pipeline \(\d\d?\)")
ERRORS = re.compile(r"^(\d+) errors?$", re.MULTILINE)


def prove(
    tasks: Sequence[Task],
    train_corpus: Path,
    dev_corpus: Path,
    config: str,
    overrides: dict[str, Any],
    findings: Path,
) -> None:
    """Write down what spaCy says, and refuse what can't be trained on; see `components.debug`."""
    text = debug(tasks, train_corpus, dev_corpus, config, overrides)
    with writing(findings) as path:
        path.write_text(markdown(text), encoding="utf-8")
    print(text, flush=True)
    if count_errors(text, {one for task in tasks for one in task.harmless}):
        raise DataError(
            f"{train_corpus}: spaCy's `debug data` finds what can't be trained on; see "
            f"{findings}. Fix the annotations."
        )


def debug(
    tasks: Sequence[Task],
    train_corpus: Path,
    dev_corpus: Path,
    config_text: str,
    overrides: dict[str, Any],
) -> str:
    """What spaCy says about a config and its corpora, as text."""
    config = read_config(config_text, overrides, tasks)
    for corpus in (train_corpus, dev_corpus):
        verify(corpus)
    config = settled(config, tasks, train_corpus)
    nlp, _ = initialise(config, train_corpus, dev_corpus, use_gpu=-1)
    missing = [
        label
        for task in tasks
        for label in unseen(task, nlp, label_counts(train_corpus, task.name))
    ]
    weights = find_all(config)
    local = read_once(localised(config, weights))
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
        try:
            debug_config(config)
        except SystemExit:
            raise ConfigError(f"training config: {plain(printed.getvalue())}") from None
        with suppress(SystemExit):  # it has found errors and has printed them
            debug_data(config, silent=False, no_format=True)
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
