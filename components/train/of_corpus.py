"""What a training corpus decides of a training config: what a head leaves open until it is seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spacy.training import Corpus
from spacy.util import get_lang_class
from thinc.api import Config

from components.tasks.base import Task


def settled(config: Config, tasks: Sequence[Task], train_corpus: Path) -> Config:
    """The config with what the tasks take from the training corpus.

    Args:
        config: not interpolated; it is not changed.
        train_corpus: a folder of .spacy files.
    """
    asking = [task for task in tasks if type(task).of_corpus is not Task.of_corpus]
    if not asking:
        return config
    given = config.interpolate()
    kept = {key: given["nlp"][key] for key in ("lang", "tokenizer") if key in given["nlp"]}
    nlp = get_lang_class(kept["lang"]).from_config({"nlp": kept})
    result = config.copy()
    for task in asking:
        examples = Corpus(train_corpus)(nlp)
        for key, value in task.of_corpus(given, examples).items():
            *sections, name = key.split(".")
            place = result
            for section in sections:
                place = place[section]
            place[name] = value
    return result
