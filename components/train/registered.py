"""All functions of ours that a training config may name, for `spacy train --code`."""

from __future__ import annotations

from components.tasks import entity_tags, several_classifiers
from components.train import length, pieces, rates

__all__ = ["entity_tags", "length", "pieces", "rates", "several_classifiers"]
