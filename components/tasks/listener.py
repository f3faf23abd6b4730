"""The network that the tasks of a pipeline share, and how the head of a task listens to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

Shared = Literal["transformer", "tok2vec"]


def listener(shared: Shared, grad_factor: float = 1.0) -> dict[str, Any]:
    """The section of a training config that gives a head the vectors of tokens.

    Args:
        grad_factor: how much of the head's gradient a transformer gets.
    """
    if shared == "transformer":
        return {
            "@architectures": "spacy-transformers.TransformerListener.v1",
            "grad_factor": grad_factor,
            "upstream": "*",
            "pooling": {"@layers": "reduce_mean.v1"},
        }
    return {
        "@architectures": "spacy.Tok2VecListener.v1",
        "width": "${components.tok2vec.model.encode.width}",
        "upstream": "*",
    }


def shared_network(config: Mapping[str, Any]) -> Shared | None:
    """The factory of the one component of a config without a head; None where there is more."""
    names = config.get("nlp", {}).get("pipeline", [])
    if len(names) != 1:
        return None
    factory = config.get("components", {}).get(names[0], {}).get("factory")
    return cast(Shared, factory) if factory == names[0] in ("transformer", "tok2vec") else None
