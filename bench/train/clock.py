"""Processor seconds of a run, evaluation by evaluation and by what they were spent on."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from bench.run import peak_memory


class Clock:
    """Starts when a pipeline has been initialised; what is inside another section is its own."""

    def __init__(self) -> None:
        self.started = 0.0
        self.initial = 0.0
        self.curve: list[dict[str, float]] = []
        self.sections: defaultdict[str, float] = defaultdict(float)
        self.inside: list[float] = []

    def start(self) -> None:
        """Count from now on; what memory it took to come here is noted."""
        self.initial = peak_memory()
        self.started = time.process_time()
        self.sections.clear()

    @property
    def seconds(self) -> float:
        """Processor seconds since the start."""
        return time.process_time() - self.started

    def note(self, step: int, words: int, score: float) -> None:
        """Note an evaluation."""
        entry = {"step": step, "words": words, "score": score, "seconds": self.seconds}
        self.curve.append(entry)

    def logger(self) -> Callable[..., Any]:
        """A spaCy logger that notes evaluations and prints nothing."""

        def setup(*_: object) -> tuple[Callable[[dict[str, Any] | None], None], Callable[[], None]]:
            def log(info: dict[str, Any] | None) -> None:
                if info:
                    self.note(info["step"], info["words"], info["score"])

            return log, lambda: None

        return setup

    def watch(self, section: str, owner: Any, name: str) -> None:
        """Count what a function takes, without the sections in it, as a section's."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before = time.process_time()
            self.inside.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.process_time() - before
                self.sections[section] += taken - self.inside.pop()
                if self.inside:
                    self.inside[-1] += taken

        setattr(owner, name, timed)

    def watch_spacy(self) -> None:
        """Watch all parts of a step in spaCy's classes."""
        import torch
        from spacy.language import Language
        from spacy_transformers.layers import transformer_model
        from thinc.api import Model, PyTorchShim

        self.watch("tokenisation", transformer_model, "huggingface_tokenize")
        self.watch("tokenisation", transformer_model, "get_alignment_via_offset_mapping")
        self.watch("forward", PyTorchShim, "begin_update")
        self.watch("backward", torch.autograd, "backward")
        self.watch("optimiser", Model, "finish_update")
        self.watch("evaluation", Language, "evaluate")
        self.watch("evaluation", PyTorchShim, "predict")
        self.watch("head", Language, "update")

    def watch_ours(self) -> None:
        """Watch what we have in their place."""
        from components.train import loop
        from components.train.encodings import Encodings
        from components.train.evaluation import Evaluation

        self.watch("evaluation", Evaluation, "evaluate")
        self.watch("tokenisation", Encodings, "add")
        self.watch("tokenisation", Encodings, "batch")
        self.watch("optimiser", loop, "finish_update")
        self.watch("head", loop.Loop, "add_gradients")

    def figures(self) -> dict[str, Any]:
        """The curve, each section's fraction of the time, and peak memory until the start."""
        seconds = self.seconds
        fractions = {name: taken / seconds for name, taken in self.sections.items()}
        fractions["rest"] = 1 - sum(fractions.values())
        return {
            "curve": self.curve,
            "seconds": seconds,
            "fractions": fractions,
            "initial": self.initial,
        }
