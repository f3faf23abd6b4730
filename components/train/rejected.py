"""Spans that annotators rejected, and whether a pipeline learns from them.

spaCy's `ner` unlearns them if a training config gives it `incorrect_spans_key`. A token classifier
has a tag for each token, and nothing to tell it that a run of them is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spacy.training import Example

from components.records.groups import INCORRECT_SPANS

ADVICE = (
    "No component of the training config learns from them, as one of factory `ner` with "
    "incorrect_spans_key does (minilm, cnn, roberta)."
)


def are_learnt_from(config: Mapping[str, Any]) -> bool:
    """Whether a component of a training config learns from rejected entities."""
    sections = config.get("components", {}).values()
    return any(section.get("incorrect_spans_key") for section in sections)


def documents_with(examples: Iterable[Example]) -> int:
    """How many documents have entities that annotators rejected."""
    return sum(bool(example.reference.spans.get(INCORRECT_SPANS)) for example in examples)
