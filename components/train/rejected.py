"""Spans that annotators rejected, and whether a pipeline learns from them.

spaCy's `ner` unlearns them if a training config gives it `incorrect_spans_key`, a token classifier
if its config has the callback that makes entities of its tags (components/tasks/rejections.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spacy.training import Example

from components.records.groups import INCORRECT_SPANS

CALLBACK = "retrain.entities_of_tags.v1"
ADVICE = (
    "No component of the training config learns from them, as one of factory `ner` with "
    f"incorrect_spans_key does, or a tagger with {CALLBACK} in "
    "[initialize.after_init]. All configs that come with retrain do."
)


def are_learnt_from(config: Mapping[str, Any]) -> bool:
    """Whether a component of a training config learns from rejected entities."""
    after = config.get("initialize", {}).get("after_init") or {}
    sections = config.get("components", {}).values()
    return after.get("@callbacks") == CALLBACK or any(
        section.get("incorrect_spans_key") for section in sections
    )


def documents_with(examples: Iterable[Example]) -> int:
    """How many documents have entities that annotators rejected."""
    return sum(bool(example.reference.spans.get(INCORRECT_SPANS)) for example in examples)
