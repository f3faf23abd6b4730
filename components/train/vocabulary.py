"""The vectors of a large vocabulary of word pieces stay as they are.

A multilingual transformer has 250,000 pieces, 96 of the 118 million weights of the smallest one. A
corpus has a few thousand of them, and only those would move, away from the languages and words that
it lacks. Their gradients and moments would take four times the memory of the vectors themselves.
docs/languages.md compares both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from spacy.language import Language
from thinc.api import PyTorchShim

from components.train.snapshot import nodes

LARGE = 100_000  # pieces; vocabularies of one language have 30,000 to 60,000, and do learn


def freeze_large(nlp: Language, say: Callable[[str], None]) -> None:
    """Let no vectors of a large vocabulary learn; it says of which size."""
    for _, shim in nodes(nlp):
        if isinstance(shim, PyTorchShim):
            for module in cast(Any, shim._model).modules():
                if isinstance(module, torch.nn.Embedding) and module.num_embeddings >= LARGE:
                    module.weight.requires_grad_(False)
                    say(f"The vectors of {module.num_embeddings:,} word pieces stay as they are")
