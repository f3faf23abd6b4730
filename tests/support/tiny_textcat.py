"""Classifiers of a bag of words that learn a handful of texts in a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.training import Example
from spacy.util import fix_random_seed

TEXTS = {
    "pay the tax on wages": {"TAX": 1.0, "VISA": 0.0},
    "a refund of tax": {"TAX": 1.0, "VISA": 0.0},
    "apply for a visa": {"TAX": 0.0, "VISA": 1.0},
    "a visa and a passport": {"TAX": 0.0, "VISA": 1.0},
}


def train_tiny(
    folder: Path,
    *,
    exclusive: bool,
    texts: Mapping[str, dict[str, float]] = TEXTS,
    remembered: Mapping[str, Any] | None = None,
    entities: Sequence[dict[str, str]] = (),
) -> Path:
    """Train and save a pipeline with one classifier, `classes`.

    Args:
        remembered: what training left in its meta, by task.
        entities: patterns of an entity ruler in the same pipeline.
    """
    fix_random_seed(0)
    nlp = spacy.blank("en")
    factory = "textcat" if exclusive else "textcat_multilabel"
    nlp.add_pipe(factory, name="classes", config={"model": bag_of_words(exclusive)})
    examples = [Example.from_dict(nlp.make_doc(text), {"cats": c}) for text, c in texts.items()]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(15):
        nlp.update(examples, sgd=optimizer)
    if entities:  # after `initialize`, which would take them away
        nlp.add_pipe("entity_ruler").add_patterns(list(entities))  # type: ignore[attr-defined]
    if remembered:
        nlp.meta["retrain"] = dict(remembered)
    nlp.to_disk(folder)
    return folder


def bag_of_words(exclusive: bool) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": exclusive,
        "length": 4096,
        "ngram_size": 1,
        "no_output_layer": False,
    }
