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

from components.convert.alignment import aligned
from components.convert.counts import EXAMPLES, Counts
from components.convert.docbin import NO_SPANS, Columns
from components.convert.layout import Layout
from components.convert.rows import Row
from components.convert.settings import ConvertSettings
from components.convert.spans import Marks, find, gather, refuse_overlaps
from components.convert.texts import Texts, join, spaced
from components.convert.tokens import settle
from components.convert.windows import pieces
from components.convert.words import hashes

# The key of Doc.spans that spaCy's own configs give as incorrect_spans_key.
INCORRECT_SPANS = "incorrect_spans"
MISSING, INSIDE, OUTSIDE, BEGIN = range(4)  # values of ENT_IOB


class About(msgspec.Struct, gc=False):
    """`Doc.user_data`: what ties a document to its record.

    Attributes:
        id, meta: of the record.
        start: character of the record's text where this window of it starts.
    """

    id: str
    start: int
    meta: dict[str, Any]


def columns(rows: Sequence[Row], settings: ConvertSettings) -> tuple[Columns, Counts]:
    """Turn records into columns; every entity is there exactly as it was annotated.

    Raises:
        DataError: a span is not inside its text, or two entities overlap.
    """
    counts = Counts(records=len(rows))
    texts = join([row.text for row in rows])
    entities, rejected = (gather(rows, texts, which) for which in ("spans", "rejected"))
    refuse_overlaps(entities, rows)
    layout = settle(rows, texts, [entities, rejected], settings.language, counts)
    document, starts = pieces(layout, [entities, rejected], settings.window_words)
    words, strings = hashes(layout)
    counts.documents, counts.words = len(starts), len(words)
    counts.windowed = int((np.bincount(document) > 1).sum())
    counts.incomplete = [row.complete for row in rows].count(False)
    counts.rejected = len(rejected.labels)
    count_entities(counts, rows, texts, entities, settings.language)
    windowed = map(rows.__getitem__, document.tolist())
    offsets = np.append(layout.starts, texts.base[-1])[starts] - texts.base[document]
    return Columns(
        words=words,
        spaces=layout.spaces,
        lengths=np.diff(starts, append=len(words)).astype(np.int32),
        attributes=attributes(rows, layout, entities),
        strings=[*strings, *entities.names, *rejected.names],
        user_data=[
            About(row.id, offset, row.meta)
            for row, offset in zip(windowed, offsets.tolist(), strict=True)
        ],
        span_groups=span_groups(layout, rejected, starts),
    ), counts


def attributes(
    rows: Sequence[Row], layout: Layout, entities: Marks
) -> dict[int, NDArray[np.uint64]]:
    """The two attributes of a token that entity recognition needs."""
    background = [OUTSIDE if row.complete else MISSING for row in rows]
    iob = np.repeat(np.array(background, np.uint64), np.diff(layout.first))
    kind = np.zeros(len(iob), np.uint64)
    hashes = np.array(list(map(StringStore().add, entities.names)), np.uint64)
    first, end = find(entities, layout)
    lengths = end - first
    within = np.repeat(end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    iob[within] = INSIDE
    iob[first] = BEGIN
    kind[within] = np.repeat(hashes[entities.labels], lengths)
    return {ENT_IOB: iob, ENT_TYPE: kind}


def span_groups(layout: Layout, rejected: Marks, starts: NDArray[np.int64]) -> list[bytes]:
    """The rejected spans of each document, where spaCy's `incorrect_spans_key` finds them."""
    ends = np.append(starts[1:], len(layout.starts))
    result = [NO_SPANS] * len(starts)
    firsts, lasts = find(rejected, layout)
    piece = np.searchsorted(starts, firsts, side="right") - 1
    for at in np.unique(piece).tolist():
        first, end = int(starts[at]), int(ends[at])
        words, spaces = layout.words(first, end), layout.spaces[first:end].tolist()
        doc = Doc(Vocab(), words=words, spaces=spaces)
        doc.spans[INCORRECT_SPANS] = [
            DocSpan(
                doc,
                int(firsts[i]) - first,
                int(lasts[i]) - first,
                rejected.names[rejected.labels[i]],
            )
            for i in np.flatnonzero(piece == at).tolist()
        ]
        result[at] = doc.spans.to_bytes()
    return result


def count_entities(
    counts: Counts, rows: Sequence[Row], texts: Texts, entities: Marks, language: str
) -> None:
    """Count the entities, and those that the training tokeniser cannot delimit."""
    each = np.bincount(entities.labels, minlength=len(entities.names))
    counts.entities.update(dict(zip(entities.names, each.tolist(), strict=True)))
    # Next to white space, as most entities are, there is nothing to look up.
    base, document = texts.base, entities.document
    left = spaced(texts, entities.left) | (entities.left == base[document])
    right = spaced(texts, entities.right) | (entities.right == base[document + 1])
    for at in np.flatnonzero(~(left & right)).tolist():
        row, label = rows[document[at]], entities.names[entities.labels[at]]
        start, end = (
            int(edges[at] - base[document[at]]) for edges in (entities.left, entities.right)
        )
        if not aligned(row.text, start, end, language):
            counts.misaligned[label] += 1
            if len(counts.examples) < EXAMPLES:
                counts.examples.append((row.source, label, row.text[start:end]))
