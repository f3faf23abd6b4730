"""How the head of a task listens to the network that a pipeline's tasks share."""

from __future__ import annotations

from typing import Any, Literal

Shared = Literal["transformer", "tok2vec"]


def listener(shared: Shared) -> dict[str, Any]:
    """The section of a training config that gives a head the vectors of tokens."""
    if shared == "transformer":
        return {
            "@architectures": "spacy-transformers.TransformerListener.v1",
            "grad_factor": 1.0,
            "upstream": "*",
            "pooling": {"@layers": "reduce_mean.v1"},
        }
    return {
        "@architectures": "spacy.Tok2VecListener.v1",
        "width": "${components.tok2vec.model.encode.width}",
        "upstream": "*",
    }
