"""Take parts of our loop away again, one at a time, to see what each buys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any


def no_kept_pieces() -> None:
    """Tokenise and align at every step."""
    from components.train import encodings

    patched: Any = encodings.Encodings
    patched.used = lambda _: nullcontext()
    no_direct_update()


def no_direct_update() -> None:
    """Leave the update of a token classifier to spaCy."""
    from components.train import loop

    patched: Any = loop
    patched.find_direct = lambda *_: None


def no_fused_optimiser() -> None:
    """Leave the optimiser's step to thinc."""
    from components.train import loop

    patched: Any = loop
    patched.finish_update = lambda model, optimizer: model.finish_update(optimizer)


def no_kept_memory() -> None:
    """Give freed memory back to the system."""
    from components.train import run

    patched: Any = run
    patched.keep_freed_memory = lambda: None


def no_evaluation() -> None:
    """Evaluate as spaCy does, in the order of the corpus."""
    from components.train import loop

    patched: Any = loop
    patched.Evaluation = lambda nlp, dev: SimpleNamespace(
        pipe_names=nlp.pipe_names, evaluate=lambda _: nlp.evaluate(dev)
    )


PARTS: dict[str, Callable[[], Any]] = {
    "kept word pieces": no_kept_pieces,
    "direct update": no_direct_update,
    "fused optimiser": no_fused_optimiser,
    "kept memory": no_kept_memory,
    "our evaluation": no_evaluation,
}


def take_away(parts: tuple[str, ...]) -> None:
    """Take these parts away in this process."""
    for part in parts:
        PARTS[part]()
