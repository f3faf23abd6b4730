"""How much of what a corpus could tell of its classes is known.

A yes to one of several labels rules out all others; a no rules out one. Who only asks whether a
text is a complaint, a question or praise has a corpus that says a part of what whole answers say,
and has to go over it more often to learn as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.pipeline.tok2vec import Tok2Vec
from spacy.training import Example
from spacy_transformers import Transformer

LEAST = 0.25  # four times as many passes at most: what is said again and again is learnt by heart


def known_part(nlp: Language, examples: Sequence[Example]) -> float:
    """The part of the labels of classified texts that is known, LEAST to 1.

    1 where something else is learnt, too: it would be gone over too often.
    """
    heads: list[Any] = [
        pipe
        for _, pipe in nlp.pipeline
        if getattr(pipe, "is_trainable", False) and not isinstance(pipe, Transformer | Tok2Vec)
    ]
    if not all(isinstance(pipe, TextCategorizer) for pipe in heads):
        return 1.0
    parts = [
        known_of(cats, pipe.labels, exclusive=not isinstance(pipe, MultiLabel_TextCategorizer))
        for pipe in heads
        for cats in (example.reference.cats for example in examples)
        if any(label in cats for label in pipe.labels)
    ]
    return max(LEAST, sum(parts) / len(parts)) if parts else 1.0


def known_of(cats: Mapping[str, float], labels: Sequence[str], *, exclusive: bool) -> float:
    """The part of a text's labels that is known, 0 to 1."""
    if exclusive and any(cats.get(label) == 1 for label in labels):
        return 1.0
    known = sum(label in cats for label in labels)
    return min(1.0, known / max(1, len(labels) - exclusive))
