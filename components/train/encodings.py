"""Word pieces of each document, computed once instead of at every step.

spacy-transformers tokenises and aligns a document whenever it reads it. Here both are done when the
corpus is read, and a batch is put together from what is kept: the same numbers as before, so that
nothing else notices. What is kept lies outside the documents, because spaCy copies a document with
all that it holds at each step. It takes about 20 bytes a word piece, a fraction of the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy_transformers import Transformer
from spacy_transformers.align import get_alignment_via_offset_mapping
from spacy_transformers.data_classes import FullTransformerBatch, TransformerData, WordpieceBatch
from spacy_transformers.layers import transformer_model
from spacy_transformers.span_getters import get_doc_spans, get_strided_spans
from spacy_transformers.truncate import truncate_oversize_splits
from spacy_transformers.util import maybe_flush_pytorch_cache
from thinc.api import Model, torch2xp
from thinc.types import Ragged
from transformers.utils.generic import ModelOutput

from components.train.pieces import KEY, minibatch

NUMBER = "retrain_encoding"


@dataclass(frozen=True)
class Encoding:
    """One document as its transformer reads it.

    Attributes:
        ids: word pieces of each of its spans.
        rows, columns: the pieces that belong to its tokens: the span, and the place in it.
        counts: how many of them each token has.
    """

    ids: list[NDArray[np.int64]]
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    counts: NDArray[np.int32]


class Encodings:
    """What the first transformer of a pipeline makes of documents; nothing if it has none.

    A transformer whose spans depend on other components (sentences) is left alone.
    """

    def __init__(self, nlp: Language) -> None:
        models = [pipe.model for _, pipe in nlp.pipeline if isinstance(pipe, Transformer)]
        self.model: Any = next(filter(reads_whole, models), None)
        self.kept: dict[int, Encoding] = {}
        self.vocabulary: list[str] = []

    def add(self, examples: Iterable[Example]) -> None:
        """Encode documents, and note in each how many spans it is read as, and the longest."""
        for group in minibatch(examples, size=1000) if self.model else ():
            docs = [example.predicted for example in group if len(example.predicted)]
            nested = self.model.attrs["get_spans"](docs)
            read = self.model.tokenizer(
                [span.text for spans in nested for span in spans],
                return_attention_mask=False,
                return_offsets_mapping=self.model.tokenizer.is_fast,
            )
            start = 0
            for doc, spans in zip(docs, nested, strict=True):
                end = start + len(spans)
                ids = read["input_ids"][start:end]
                doc.user_data[KEY] = (len(spans), max(map(len, ids)))
                if self.can_keep(read, start, end):
                    doc.user_data[NUMBER] = len(self.kept)
                    self.kept[len(self.kept)] = encoding(
                        spans, ids, read["offset_mapping"][start:end]
                    )
                start = end

    def can_keep(self, read: Any, start: int, end: int) -> bool:
        """Whether a batch can be put together from pieces: padded on the right, of one sequence."""
        tokenizer, kinds = self.model.tokenizer, read.get("token_type_ids", [])
        return (
            self.model._func is transformer_model.forward
            and tokenizer.is_fast
            and tokenizer.padding_side == "right"
            and tokenizer.pad_token_type_id == 0
            and not any(map(any, kinds[start:end]))
        )

    @contextmanager
    def used(self) -> Iterator[None]:
        """While this lasts, the transformer reads what is kept wherever it is."""
        if not self.kept:
            yield
            return
        tokenizer = self.model.tokenizer
        self.vocabulary = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        before = self.model._func
        self.model._func = self.forward
        try:
            yield
        finally:
            self.model._func = before

    def forward(
        self, model: Model[Any, Any], docs: Sequence[Doc], is_train: bool
    ) -> tuple[FullTransformerBatch, Callable[[FullTransformerBatch], Sequence[Doc]]]:
        """What spacy_transformers.layers.transformer_model.forward does, without its first half."""
        if not self.has(docs):
            return cast(Any, transformer_model).forward(model, docs, is_train)  # type: ignore[no-any-return]
        maybe_flush_pytorch_cache(chance=model.attrs.get("flush_cache_chance", 0))
        word_pieces, align, each = self.batch(docs)
        output, backward = model.layers[0](word_pieces, is_train)
        batch = FullTransformerBatch(
            spans=model.attrs["get_spans"](docs),
            wordpieces=word_pieces,
            model_output=output,
            align=align,
        )
        if each and all(isinstance(value, torch.Tensor) for value in output.values()):
            batch.cached_doc_data = by_doc(batch, each)

        def backprop(d_output: FullTransformerBatch) -> Sequence[Doc]:
            backward(d_output.model_output)
            return docs

        return batch, backprop

    def has(self, docs: Iterable[Doc]) -> bool:
        """Whether all of these documents are kept."""
        return all(NUMBER in doc.user_data for doc in docs)

    def batch(self, docs: Sequence[Doc]) -> tuple[WordpieceBatch, Ragged, list[Ragged]]:
        """Put a batch together.

        Returns:
            the padded word pieces, how tokens are aligned with them, and how those of each document
            are with its part of them: nothing where spans had to be cut to what the model can read.
        """
        known = [self.kept[doc.user_data[NUMBER]] for doc in docs]
        whole = self.padded([ids for one in known for ids in one.ids])
        width = whole.input_ids.shape[1]
        each = [
            Ragged(cast(Any, one.rows * width + one.columns), cast(Any, one.counts))
            for one in known
        ]
        align = joined(each, [len(one.ids) * width for one in known])
        longest = self.model.tokenizer.model_max_length
        word_pieces, align = truncate_oversize_splits(whole, align, longest)
        return word_pieces, align, each if word_pieces is whole else []

    def padded(self, rows: list[NDArray[np.int64]]) -> WordpieceBatch:
        """Pad spans to the longest, as the tokeniser does."""
        tokenizer = self.model.tokenizer
        lengths = np.array([len(row) for row in rows])
        real = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(real.shape, tokenizer.pad_token_id, np.int64)
        ids[real] = np.concatenate(rows)
        numbers = cast(list[list[int]], ids.tolist())
        kinds = "token_type_ids" in tokenizer.model_input_names
        return WordpieceBatch(
            strings=[[self.vocabulary[piece] for piece in row] for row in numbers],
            input_ids=cast(Any, ids),
            attention_mask=cast(Any, real.astype(np.float32)),
            lengths=(ids != tokenizer.pad_token_id).sum(axis=1).tolist(),
            token_type_ids=cast(Any, np.zeros_like(ids)) if kinds else None,
        )


def reads_whole(model: Any) -> bool:
    """Whether the spans that a transformer reads follow from the tokens alone."""
    get_spans = model.attrs["get_spans"]
    return getattr(get_spans, "func", get_spans) in (get_doc_spans, get_strided_spans)


def encoding(spans: list[Any], ids: list[list[int]], offsets: list[Any]) -> Encoding:
    """Align a document's word pieces with its tokens."""
    align = get_alignment_via_offset_mapping(spans, cast(Any, [np.array(o) for o in offsets]))
    starts = np.cumsum([0, *map(len, ids)])
    places = cast(NDArray[np.int32], align.dataXd)
    rows = np.searchsorted(starts, places, side="right") - 1
    return Encoding(
        ids=[np.array(row, np.int64) for row in ids],
        rows=rows.astype(np.int32),
        columns=(places - starts[rows]).astype(np.int32),
        counts=cast(NDArray[np.int32], align.lengths),
    )


def joined(each: list[Ragged], sizes: list[int]) -> Ragged:
    """Alignments of documents as one; sizes are those of their padded pieces."""
    starts = np.cumsum([0, *sizes[:-1]], dtype=np.int32)
    data = [cast(Any, one.dataXd) + start for one, start in zip(each, starts, strict=True)]
    return Ragged(
        cast(Any, np.concatenate(data)),
        cast(Any, np.concatenate([cast(Any, one.lengths) for one in each])),
    )


def by_doc(batch: FullTransformerBatch, each: list[Ragged]) -> list[TransformerData]:
    """Split a batch by document, as its `split_by_doc` does, with alignments that are known."""
    outputs: dict[str, Any] = {key: torch2xp(value) for key, value in batch.model_output.items()}
    data, start = [], 0
    for spans, align in zip(batch.spans, each, strict=True):
        end = start + len(spans)
        part = cast(Any, ModelOutput)({key: value[start:end] for key, value in outputs.items()})
        data.append(TransformerData(batch.wordpieces[start:end], part, align))
        start = end
    return data
