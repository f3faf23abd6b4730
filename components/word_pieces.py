"""The word pieces of documents, cut to what their transformer can read before anything is padded.

spacy-transformers pads all spans of a batch to the longest, and only then cuts them to what the
model can read: one long line of base64 makes every span of its text as long. What comes out here is
to the bit what its `transformer_model.forward` makes, without that detour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy_transformers.align import get_alignment_via_offset_mapping
from spacy_transformers.data_classes import FullTransformerBatch, TransformerData, WordpieceBatch
from spacy_transformers.layers import transformer_model
from spacy_transformers.span_getters import get_doc_spans, get_strided_spans
from spacy_transformers.util import maybe_flush_pytorch_cache
from thinc.api import torch2xp
from thinc.types import Ragged
from transformers.utils.generic import ModelOutput

Batch = tuple[FullTransformerBatch, Callable[[FullTransformerBatch], Sequence[Doc]]]
Spans = list[list[int]]


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


class WordPieces:
    """What a transformer's tokeniser makes of documents.

    Attributes:
        model: a `TransformerModel` of spacy-transformers.
        known: whether batches of it can be put together here.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.known = is_known(model)
        self.strings: list[str] = []

    def of(self, docs: Sequence[Doc]) -> Iterator[tuple[Spans, Encoding | None]]:
        """The pieces of each document's spans, and its encoding; None where that is not known.

        Args:
            docs: none of them without a token.
        """
        tokenizer = self.model.tokenizer
        nested = self.model.attrs["get_spans"](docs)
        read = tokenizer(
            [span.text for spans in nested for span in spans],
            return_attention_mask=False,
            return_offsets_mapping=tokenizer.is_fast,
            verbose=False,  # of pieces that are cut here
        )
        most = tokenizer.model_max_length
        kinds = read.get("token_type_ids", [])
        start = 0
        for spans in nested:
            end = start + len(spans)
            ids = [row[:most] for row in read["input_ids"][start:end]]
            made = None
            if self.known and not any(map(any, kinds[start:end])):
                offsets = [np.array(row[:most]) for row in read["offset_mapping"][start:end]]
                made = encoding(spans, ids, offsets)
            yield ids, made
            start = end

    def forward(self, docs: Sequence[Doc], known: Sequence[Encoding], is_train: bool) -> Batch:
        """What spacy_transformers.layers.transformer_model.forward does, without its first half."""
        model = self.model
        maybe_flush_pytorch_cache(chance=model.attrs.get("flush_cache_chance", 0))
        word_pieces, align, each = self.batch(known)
        output, backward = model.layers[0](word_pieces, is_train)
        batch = FullTransformerBatch(
            spans=model.attrs["get_spans"](docs),
            wordpieces=word_pieces,
            model_output=output,
            align=align,
        )
        if all(isinstance(value, torch.Tensor) for value in output.values()):
            batch.cached_doc_data = by_doc(batch, each)

        def backprop(d_output: FullTransformerBatch) -> Sequence[Doc]:
            backward(d_output.model_output)
            return docs

        return batch, backprop

    def batch(self, known: Sequence[Encoding]) -> tuple[WordpieceBatch, Ragged, list[Ragged]]:
        """Put a batch together.

        Returns:
            the padded word pieces, how tokens are aligned with them, and how those of each document
            are with its part of them.
        """
        whole = self.padded([ids for one in known for ids in one.ids])
        width = whole.input_ids.shape[1]
        each = [
            Ragged(cast(Any, one.rows * width + one.columns), cast(Any, one.counts))
            for one in known
        ]
        return whole, joined(each, [len(one.ids) * width for one in known]), each

    def padded(self, rows: list[NDArray[np.int64]]) -> WordpieceBatch:
        """Pad spans to the longest, as the tokeniser does."""
        tokenizer = self.model.tokenizer
        if not self.strings:
            self.strings = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        lengths = np.array([len(row) for row in rows])
        width = int(lengths.max())
        real = np.arange(width) < lengths[:, None]
        ids = np.full(real.shape, tokenizer.pad_token_id, np.int64)
        ids[real] = np.concatenate(rows)
        numbers = cast(list[list[int]], ids.tolist())
        kinds = "token_type_ids" in tokenizer.model_input_names
        # spacy-transformers counts the padding where it looked whether to cut.
        full = width >= tokenizer.model_max_length
        return WordpieceBatch(
            strings=[[self.strings[piece] for piece in row] for row in numbers],
            input_ids=cast(Any, ids),
            attention_mask=cast(Any, real.astype(np.float32)),
            lengths=[width] * len(rows)
            if full
            else (ids != tokenizer.pad_token_id).sum(axis=1).tolist(),
            token_type_ids=cast(Any, np.zeros_like(ids)) if kinds else None,
        )


def is_known(model: Any) -> bool:
    """Whether a transformer reads as spacy-transformers does it, padded on the right."""
    tokenizer = model.tokenizer
    return (
        model._func is transformer_model.forward
        and reads_whole(model)
        and tokenizer.is_fast
        and tokenizer.padding_side == "right"
        and tokenizer.pad_token_type_id == 0
    )


def reads_whole(model: Any) -> bool:
    """Whether the spans that a transformer reads follow from the tokens alone."""
    get_spans = model.attrs["get_spans"]
    return getattr(get_spans, "func", get_spans) in (get_doc_spans, get_strided_spans)


def encoding(spans: list[Any], ids: Spans, offsets: list[Any]) -> Encoding:
    """Align a document's word pieces with its tokens."""
    align = get_alignment_via_offset_mapping(spans, cast(Any, offsets))
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
