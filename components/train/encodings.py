"""Word pieces of each document, computed once instead of at every step.

spacy-transformers tokenises and aligns a document whenever it reads it. Here both are done when the
corpus is read, and a batch is put together from what is kept: the same numbers as before, so that
nothing else notices. What is kept lies outside the documents, because spaCy copies a document with
all that it holds at each step. It takes about 20 bytes a word piece, a fraction of the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy_transformers import Transformer
from spacy_transformers.data_classes import WordpieceBatch
from spacy_transformers.layers import transformer_model
from thinc.api import Model
from thinc.types import Ragged

from components.train.pieces import KEY, minibatch
from components.word_pieces import Batch, Encoding, WordPieces, reads_whole

NUMBER = "retrain_encoding"


class Encodings:
    """What the first transformer of a pipeline makes of documents; nothing if it has none.

    A transformer whose spans depend on other components (sentences) is left alone.
    """

    def __init__(self, nlp: Language) -> None:
        models = [pipe.model for _, pipe in nlp.pipeline if isinstance(pipe, Transformer)]
        self.model: Any = next(filter(reads_whole, models), None)
        self.pieces = WordPieces(self.model) if self.model else cast(Any, None)
        self.kept: dict[int, Encoding] = {}

    def add(self, examples: Iterable[Example]) -> None:
        """Encode documents, and note in each how many spans it is read as, and the longest."""
        for group in minibatch(examples, size=1000) if self.model else ():
            docs = [example.predicted for example in group if len(example.predicted)]
            for doc, (ids, encoding) in zip(docs, self.pieces.of(docs), strict=True):
                doc.user_data[KEY] = (len(ids), max(map(len, ids)))
                if encoding:
                    doc.user_data[NUMBER] = len(self.kept)
                    self.kept[len(self.kept)] = encoding

    @contextmanager
    def used(self) -> Iterator[None]:
        """While this lasts, the transformer reads what is kept wherever it is."""
        if not self.kept:
            yield
            return
        before = self.model._func
        self.model._func = self.forward
        try:
            yield
        finally:
            self.model._func = before

    def forward(self, model: Model[Any, Any], docs: Sequence[Doc], is_train: bool) -> Batch:
        """What the transformer makes of documents, from what is kept of them."""
        if not self.has(docs):
            return cast(Any, transformer_model).forward(model, docs, is_train)  # type: ignore[no-any-return]
        return self.pieces.forward(docs, self.known(docs), is_train)

    def has(self, docs: Iterable[Doc]) -> bool:
        """Whether all of these documents are kept."""
        return all(NUMBER in doc.user_data for doc in docs)

    def known(self, docs: Sequence[Doc]) -> list[Encoding]:
        """What is kept of documents."""
        return [self.kept[doc.user_data[NUMBER]] for doc in docs]

    def batch(self, docs: Sequence[Doc]) -> tuple[WordpieceBatch, Ragged, list[Ragged]]:
        """See `WordPieces.batch`."""
        return self.pieces.batch(self.known(docs))
