"""Evaluation on dev: the scores of `Language.evaluate`, in less time and memory.

spaCy tokenises each document once more, only to time it, pads by words, and holds what a
transformer made of every document until the last is scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from spacy.language import Language, _replace_numpy_floats
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import get_current_ops

from components.span_parts import read_in_parts
from components.train.pieces import by_length, cut

Note = Callable[[list[Example]], None]
# Padded pieces in a batch, which bounds its memory. A CPU is fastest on what its caches hold.
PADDED = {"cpu": 1_000, "gpu": 16_000}


class Evaluation:
    """Scores a pipeline on examples as `Language.evaluate` does; stands in for the pipeline there.

    Args:
        examples: with the sizes of their documents, if a transformer reads them (see encodings).
    """

    def __init__(self, nlp: Language, examples: list[Example]) -> None:
        self.nlp = nlp
        self.pipe_names = nlp.pipe_names
        self.batches = list(cut(by_length(examples), PADDED[get_current_ops().device_type]))

    def evaluate(self, _: object) -> dict[str, Any]:
        """The scores, and `speed` in words per second."""
        started = time.perf_counter()
        scored = self.predictions()
        seconds = time.perf_counter() - started
        scores = Scorer(nlp=self.nlp).score(scored)
        scores["speed"] = sum(len(example.predicted) for example in scored) / seconds
        return _replace_numpy_floats(scores)

    @torch.inference_mode()
    def predictions(self, note: Note | None = None) -> list[Example]:
        """All examples, from short to long, with what the pipeline finds in them.

        Args:
            note: is shown each batch while what a transformer made of it is still there.
        """
        with read_in_parts(self.nlp):
            return [example for batch in self.batches for example in self.predict(batch, note)]

    def predict(self, batch: list[Example], note: Note | None = None) -> list[Example]:
        """Copies of examples with what the pipeline finds in them."""
        docs = self.nlp.pipe([one.predicted.copy() for one in batch], batch_size=len(batch))
        predictions = [
            Example(doc, example.reference) for example, doc in zip(batch, docs, strict=True)
        ]
        if note:
            note(predictions)
        if Doc.has_extension("trf_data"):
            for one in predictions:
                one.predicted._.trf_data = None
        return predictions
