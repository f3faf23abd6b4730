"""Named entities as columns of a DocBin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.strings import StringStore
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.vocab import Vocab

from components.convert.counts import EXAMPLES, Counts
from components.convert.docbin import NO_SPANS, Columns
from components.convert.settings import ConvertSettings
from components.convert.spans import Places, find, refuse_overlaps
from components.convert.tokens import (
    Layout,
    Offsets,
    aligned,
    filled,
    lay_out,
    spaced,
    split_at,
    tokenise,
)
from components.convert.windows import pieces
from components.record import Record

# The key of Doc.spans that spaCy's own configs give as incorrect_spans_key.
INCORRECT_SPANS = "incorrect_spans"
MISSING, INSIDE, OUTSIDE, BEGIN = range(4)  # values of ENT_IOB


class About(msgspec.Struct):
    """`Doc.user_data`: what ties a document to its record.

    Attributes:
        id, meta: of the record.
        start: character of the record's text where this window of it starts.
    """

    id: str
    start: int
    meta: dict[str, Any]


def columns(records: Sequence[Record], settings: ConvertSettings) -> tuple[Columns, Counts]:
    """Turn records into columns; every entity is there exactly as it was annotated.

    Raises:
        DataError: a span is not inside its text, or two entities overlap.
    """
    counts = Counts(records=len(records))
    layout, words = tokens(records, settings.language, counts)
    entities = find(layout, records, [record.spans for record in records])
    rejected = find(layout, records, [record.rejected for record in records])
    refuse_overlaps(entities, records)
    document, starts = pieces(layout, words, [entities, rejected], settings.window_words)
    counts.documents, counts.words = len(starts), len(words)
    counts.windowed = int((np.bincount(document) > 1).sum())
    counts.incomplete = [record.complete for record in records].count(False)
    counts.rejected = len(rejected.spans)
    count_entities(counts, records, layout, entities, settings.language)
    offsets = np.append(layout.starts, layout.base[-1])[starts] - layout.base[document]
    return Columns(
        words=words,
        spaces=layout.spaces,
        lengths=np.diff(starts, append=len(words)).astype(np.int32),
        attributes=attributes(records, layout, entities),
        strings={span.label for places in (entities, rejected) for span in places.spans},
        user_data=[
            About(records[at].id, offset, records[at].meta)
            for at, offset in zip(document.tolist(), offsets.tolist(), strict=True)
        ],
        span_groups=span_groups(layout, words, rejected, starts),
    ), counts


def tokens(records: Sequence[Record], language: str, counts: Counts) -> tuple[Layout, list[str]]:
    """Settle on tokens for every record: they rebuild its text and no span cuts one."""
    texts = [record.text for record in records]
    chosen: list[Offsets] = [
        tokenise(record.text, language) if record.tokens is None else record.tokens
        for record in records
    ]
    counts.retokenised = [record.tokens for record in records].count(None)
    layout = lay_out(texts, chosen)
    counts.disagreeing = len(layout.broken)
    for at in layout.broken.tolist():
        chosen[at] = tokenise(texts[at], language)
    if counts.disagreeing:
        layout = lay_out(texts, chosen)
    spans = [
        [*record.spans, *record.rejected] if record.rejected else record.spans for record in records
    ]
    found = find(layout, records, spans)
    cuts = np.unique(found.document[~found.fits]).tolist()
    for at in cuts:
        borders = {edge for span in spans[at] for edge in (span.start, span.end)}
        chosen[at] = split_at(filled(chosen[at], spans[at]), borders)
    counts.split = len(cuts)
    if cuts:
        layout = lay_out(texts, chosen)
    words = [
        text[start:end] for text, each in zip(texts, chosen, strict=True) for start, end in each
    ]
    return layout, words


def attributes(
    records: Sequence[Record], layout: Layout, entities: Places
) -> dict[int, NDArray[np.uint64]]:
    """The two attributes of a token that entity recognition needs."""
    background = [OUTSIDE if record.complete else MISSING for record in records]
    iob = np.repeat(np.array(background, np.uint64), np.diff(layout.first))
    kind = np.zeros(len(iob), np.uint64)
    store = StringStore()
    hashes = {label: store.add(label) for label in {span.label for span in entities.spans}}
    labels = np.array([hashes[span.label] for span in entities.spans], np.uint64)
    lengths = entities.end - entities.first
    within = np.repeat(entities.end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    iob[within] = INSIDE
    iob[entities.first] = BEGIN
    kind[within] = np.repeat(labels, lengths)
    return {ENT_IOB: iob, ENT_TYPE: kind}


def span_groups(
    layout: Layout, words: list[str], rejected: Places, starts: NDArray[np.int64]
) -> list[bytes]:
    """The rejected spans of each document, where spaCy's `incorrect_spans_key` finds them."""
    ends = np.append(starts[1:], len(words))
    result = [NO_SPANS] * len(starts)
    piece = np.searchsorted(starts, rejected.first, side="right") - 1
    for at in np.unique(piece).tolist():
        first, end = int(starts[at]), int(ends[at])
        doc = Doc(Vocab(), words=words[first:end], spaces=layout.spaces[first:end].tolist())
        here = np.flatnonzero(piece == at).tolist()
        ranges = [(int(rejected.first[i]) - first, int(rejected.end[i]) - first) for i in here]
        labels = [rejected.spans[i].label for i in here]
        doc.spans[INCORRECT_SPANS] = [
            DocSpan(doc, *edges, label) for edges, label in zip(ranges, labels, strict=True)
        ]
        result[at] = doc.spans.to_bytes()
    return result


def count_entities(
    counts: Counts, records: Sequence[Record], layout: Layout, entities: Places, language: str
) -> None:
    """Count the entities, and those that the training tokeniser cannot delimit."""
    counts.entities.update([span.label for span in entities.spans])
    # Next to white space, as most entities are, there is nothing to look up.
    odd = ~(spaced(layout, entities.left) & spaced(layout, entities.right))
    for at in np.flatnonzero(odd).tolist():
        record, span = records[entities.document[at]], entities.spans[at]
        if not aligned(record.text, span.start, span.end, language):
            counts.misaligned[span.label] += 1
            if len(counts.examples) < EXAMPLES:
                text = record.text[span.start : span.end]
                counts.examples.append((record.source, span.label, text))
