"""The words that texts bring, forgotten from time to time: spaCy keeps each one for ever."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from spacy.language import Language

MOST_WORDS = 20_000


class Vocabulary:
    """What pipelines that share a vocabulary have learnt of words since it was renewed.

    Whatever a text brought lies in one of spaCy's memory zones, which is closed and opened anew.
    """

    def __init__(self, pipelines: Sequence[Language]) -> None:
        self._pipelines = pipelines
        self._strings = pipelines[0].vocab.strings
        self._own = len(self._strings)
        self._zone = ExitStack()
        self._open()

    def crowded(self, times: int = 1) -> bool:
        """Whether it holds more than enough words, so many times."""
        return len(self._strings) - self._own > times * MOST_WORDS

    def renew(self) -> None:
        """Forget the words; no document may live when this is called."""
        self._zone.close()
        self._open()

    def _open(self) -> None:
        vocab = self._pipelines[0].vocab
        pool = self._zone.enter_context(vocab.memory_zone())
        for pipeline in self._pipelines:
            for part in (pipeline.tokenizer, *(pipe for _, pipe in pipeline.pipeline)):
                if hasattr(part, "memory_zone"):
                    self._zone.enter_context(part.memory_zone(pool))
