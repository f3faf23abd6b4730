"""Named entities as columns of a DocBin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.strings import StringStore
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.vocab import Vocab

from components.convert.docbin import NO_SPANS, Columns
from components.convert.settings import ConvertSettings
from components.convert.tokens import Layout, Offsets, aligned, lay_out, split_at, tokenise
from components.convert.windows import windows
from components.errors import DataError
from components.record import Record, Span

# The key of Doc.spans that spaCy's own configs give as incorrect_spans_key.
INCORRECT_SPANS = "incorrect_spans"
MISSING, INSIDE, OUTSIDE, BEGIN = range(4)  # values of ENT_IOB
EXAMPLES = 10


@dataclass
class Counts:
    """What happened to the records; `update` adds those of another shard.

    Attributes:
        records: documents in.
        documents: documents out, windows counted one by one.
        windowed: records that were too long and became windows.
        words: tokens out.
        entities: entities of each label.
        misaligned: of these, how many the training tokeniser cannot delimit.
        examples: some of them, as (where, label, text).
        retokenised: records without tokens.
        disagreeing: records whose tokens do not rebuild their text.
        split: records with tokens cut at the border of an entity.
        incomplete: records whose other tokens are unknown.
        rejected: spans that annotators refused.
    """

    records: int = 0
    documents: int = 0
    windowed: int = 0
    words: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    misaligned: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    retokenised: int = 0
    disagreeing: int = 0
    split: int = 0
    incomplete: int = 0
    rejected: int = 0

    def update(self, other: Counts) -> None:
        """Add the counts of another shard."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        del self.examples[EXAMPLES:]


@dataclass(frozen=True)
class Places:
    """Spans of all records as ranges of tokens.

    Attributes:
        document: record of each.
        first, end: its first token and the one after its last, counted over all records.
        fits: whether it starts and ends where tokens do.
    """

    document: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    fits: NDArray[np.bool_]


def columns(records: Sequence[Record], settings: ConvertSettings) -> tuple[Columns, Counts]:
    """Turn records into columns; every entity is there exactly as it was annotated.

    Raises:
        DataError: a span is not inside its text, or two entities overlap.
    """
    counts = Counts(records=len(records))
    check(records)
    layout, words = tokens(records, settings.language, counts)
    entities = places(layout, [record.spans for record in records])
    rejected = places(layout, [record.rejected for record in records])
    pieces = cut(layout, words, [entities, rejected], settings.window_words)
    documents = np.searchsorted(layout.first, pieces[:, 0], side="right") - 1
    names = [span.label for record in records for span in record.spans]
    count(counts, records, names, settings.language)
    counts.documents, counts.words = len(pieces), len(words)
    counts.windowed = int((np.unique(documents, return_counts=True)[1] > 1).sum())
    return Columns(
        words=words,
        spaces=layout.spaces,
        lengths=np.diff(pieces, axis=1)[:, 0].astype(np.int32),
        attributes=attributes(records, layout, entities, names),
        strings=set(names) | {span.label for record in records for span in record.rejected},
        user_data=[
            about(records[document], int(layout.starts[first] - layout.base[document]))
            for document, first in zip(documents.tolist(), pieces[:, 0].tolist(), strict=True)
        ],
        span_groups=span_groups(records, layout, words, rejected, pieces),
    ), counts


def check(records: Sequence[Record]) -> None:
    """Refuse spans that cannot be written; `ingest` lets none through."""
    for record in records:
        length = len(record.text)
        for span in (*record.spans, *record.rejected):
            if not 0 <= span.start < span.end <= length:
                raise DataError(
                    f"{record.source}: the span {span.label} at {span.start}-{span.end} is not "
                    f"inside its text of {length} characters. Run `ingest` again."
                )
        for one, other in pairwise(record.spans):
            if one.end > other.start:
                raise DataError(
                    f"{record.source}: the entities {one.label} at {one.start}-{one.end} and "
                    f"{other.label} at {other.start}-{other.end} overlap or are out of order. "
                    "Run `ingest` again."
                )


def tokens(records: Sequence[Record], language: str, counts: Counts) -> tuple[Layout, list[str]]:
    """Settle on tokens for every record: they rebuild its text and no span cuts one."""
    texts = [record.text for record in records]
    chosen: list[Offsets] = [
        tokenise(record.text, language) if record.tokens is None else record.tokens
        for record in records
    ]
    counts.retokenised = sum(record.tokens is None for record in records)
    layout = lay_out(texts, chosen)
    counts.disagreeing = len(layout.broken)
    for at in layout.broken.tolist():
        chosen[at] = tokenise(texts[at], language)
    if len(layout.broken):
        layout = lay_out(texts, chosen)
    spans = [[*record.spans, *record.rejected] for record in records]
    found = places(layout, spans)
    cuts = np.unique(found.document[~found.fits]).tolist()
    for at in cuts:
        borders = {edge for span in spans[at] for edge in (span.start, span.end)}
        chosen[at] = split_at(chosen[at], borders)
    counts.split = len(cuts)
    if cuts:
        layout = lay_out(texts, chosen)
    words = [
        text[start:end] for text, each in zip(texts, chosen, strict=True) for start, end in each
    ]
    return layout, words


def places(layout: Layout, spans: Sequence[Sequence[Span]]) -> Places:
    """Find the tokens of every span."""
    document = np.repeat(np.arange(len(spans)), [len(each) for each in spans])
    edges = [edge for each in spans for span in each for edge in (span.start, span.end)]
    starts, ends = np.array(edges, np.int64).reshape(-1, 2).T + layout.base[document]
    first = np.searchsorted(layout.starts, starts)
    last = np.searchsorted(layout.ends, ends)
    fits = np.isin(starts, layout.starts) & np.isin(ends, layout.ends)
    return Places(document, first, last + 1, fits)


def cut(
    layout: Layout, words: list[str], spans: Sequence[Places], longest: int
) -> NDArray[np.int64]:
    """Cut long records into windows; (documents, 2): first token and the one after the last."""
    whole = np.stack([layout.first[:-1], layout.first[1:]], axis=1)
    if not longest:
        return whole
    parts = list(whole)
    for at in np.flatnonzero(np.diff(whole, axis=1)[:, 0] > longest).tolist():
        first, end = whole[at]
        inside = [
            (int(start - first), int(stop - first))
            for places in spans
            for start, stop in zip(
                places.first[places.document == at],
                places.end[places.document == at],
                strict=True,
            )
        ]
        parts[at] = np.array(windows(words[first:end], inside, longest)) + first
    return np.concatenate([part.reshape(-1, 2) for part in parts])


def attributes(
    records: Sequence[Record], layout: Layout, entities: Places, names: Sequence[str]
) -> dict[int, NDArray[np.uint64]]:
    """The two attributes of a token that entity recognition needs."""
    background = np.array([OUTSIDE if r.complete else MISSING for r in records], np.uint64)
    iob = np.repeat(background, np.diff(layout.first))
    kind = np.zeros(len(iob), np.uint64)
    store = StringStore()
    hashes = np.array([store.add(name) for name in names], np.uint64)
    lengths = entities.end - entities.first
    within = np.repeat(entities.end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    iob[within] = INSIDE
    iob[entities.first] = BEGIN
    kind[within] = np.repeat(hashes, lengths)
    return {ENT_IOB: iob, ENT_TYPE: kind}


def about(record: Record, start: int) -> dict[str, Any]:
    """What ties a document to its record: `start` is the character where its window starts."""
    return {"id": record.id, "start": start, "meta": record.meta}


def span_groups(
    records: Sequence[Record],
    layout: Layout,
    words: list[str],
    rejected: Places,
    pieces: NDArray[np.int64],
) -> list[bytes]:
    """The rejected spans of each document, where spaCy's `incorrect_spans_key` finds them."""
    result = [NO_SPANS] * len(pieces)
    names = [span.label for record in records for span in record.rejected]
    piece = np.searchsorted(pieces[:, 0], rejected.first, side="right") - 1
    for at in np.unique(piece).tolist():
        first, end = pieces[at].tolist()
        doc = Doc(Vocab(), words=words[first:end], spaces=layout.spaces[first:end].tolist())
        doc.spans[INCORRECT_SPANS] = [
            DocSpan(doc, int(rejected.first[i]) - first, int(rejected.end[i]) - first, names[i])
            for i in np.flatnonzero(piece == at)
        ]
        result[at] = doc.spans.to_bytes()
    return result


def count(counts: Counts, records: Sequence[Record], names: list[str], language: str) -> None:
    """Count what there is, and what the training tokeniser cannot delimit."""
    counts.entities.update(names)
    counts.incomplete = sum(not record.complete for record in records)
    counts.rejected = sum(len(record.rejected) for record in records)
    for record in records:
        for span in record.spans:
            if not aligned(record.text, span.start, span.end, language):
                counts.misaligned[span.label] += 1
                if len(counts.examples) < EXAMPLES:
                    text = record.text[span.start : span.end]
                    counts.examples.append((record.source, span.label, text))
