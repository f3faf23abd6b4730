"""Lets a pipeline have classifiers beside each other, which share `doc.cats`.

spaCy's `textcat` refuses a document with two classes, also where they are those of two tasks. A
config names, for training alone:

    [initialize.before_init]
    @callbacks = "retrain.several_classifiers.v1"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MethodType

from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.training import Example
from spacy.util import registry


def several_classifiers() -> Callable[[Language], Language]:
    """Make a callback after which classifiers look at nothing but the classes of their own."""

    def relax(nlp: Language) -> Language:
        for _, pipe in nlp.pipeline:
            if isinstance(pipe, TextCategorizer):
                setattr(pipe, "_validate_categories", MethodType(accept, pipe))  # noqa: B010 - mypy
        return nlp

    return relax


def accept(_pipe: TextCategorizer, _examples: Iterable[Example]) -> None:
    """Stands in for spaCy's check; that a task has one class of a document, `ingest` checks."""


registry.callbacks.register("retrain.several_classifiers.v1", func=several_classifiers)
