"""Tokens: the annotation tool's where they rebuild the text, else the training tokeniser's."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec
import numpy as np

from components.convert.counts import Counts
from components.convert.layout import Layout, Offsets, Tokens, layout_of
from components.convert.rows import Row
from components.convert.spans import SpanColumns, misfits
from components.convert.texts import Texts
from components.errors import DataError
from components.records.record import Span
from components.tokeniser import tokenise

DIGITS = b"0123456789"
NO_NUMBERS = bytes.maketrans(b",\n", b"  ")
ODD = -1  # a list of tokens that is not written as components.records.record writes it

decode = msgspec.json.Decoder(Offsets | None).decode
encode = msgspec.json.Encoder().encode


class Sizes(dict[bytes, int]):
    """How many tokens a list of them has, by what is left of its JSON without the digits.

    Only in "[]" this leaves open whether there was a number.
    """

    def __missing__(self, shape: bytes) -> int:
        count = shape.count(b"[,]")
        whole = b"[" + b",".join([b"[,]"] * count) + b"]"
        self[shape] = count if count and shape == whole else ODD
        return self[shape]


def resolve_tokens(
    rows: Sequence[Row], texts: Texts, marks: Sequence[SpanColumns], language: str, counts: Counts
) -> Layout:
    """Settle on tokens for every record: they rebuild its text and no span cuts one."""
    tokens = read(rows, language, counts)
    layout = layout_of(texts, tokens)
    broken = layout.broken.tolist()
    counts.disagreeing += len(broken)
    if broken:
        tokens = tokens.replaced({at: tokenise(rows[at].text, language) for at in broken})
        layout = layout_of(texts, tokens)
    cuts = {at for each in marks for at in misfits(each, layout).tolist()}
    counts.split = len(cuts)
    if cuts:
        tokens = tokens.replaced({at: cut(tokens.of(at), rows[at]) for at in cuts})
        layout = layout_of(texts, tokens)
    return layout


def read(rows: Sequence[Row], language: str, counts: Counts) -> Tokens:
    """The tokens of all records; those that have none are tokenised.

    Python objects for each number would take longer than all else that convert does: the numbers
    are read at once, after a look at what stands between them.
    """
    raw: list[msgspec.Raw | bytes] = [row.tokens for row in rows]
    shapes = b"\n".join(raw).translate(None, DIGITS).split(b"\n")
    sizes = list(map(Sizes().__getitem__, shapes))
    for at in np.flatnonzero(np.array(sizes) == ODD).tolist():
        tokens = read_one(rows[at], language, counts)
        raw[at], sizes[at] = encode(tokens), len(tokens)
    numbers = b"\n".join(raw).translate(NO_NUMBERS, b"[]").strip()
    offsets = np.fromstring(numbers, np.int64, sep=" ").reshape(-1, 2)
    return Tokens(offsets, np.array(sizes, np.int64))


def read_one(row: Row, language: str, counts: Counts) -> Offsets:
    """The tokens of one record.

    Raises:
        DataError: they are not tokens.
    """
    try:
        tokens: Offsets | None = decode(row.tokens)
    except msgspec.DecodeError as error:
        raise DataError(
            f"{row.source}: the record's tokens are not pairs of offsets: {error}. "
            "Give the file that `ingest` or `split` wrote."
        ) from error
    if tokens is None:
        counts.retokenised += 1
        return tokenise(row.text, language)
    if any(edge < 0 for token in tokens for edge in token):
        counts.disagreeing += 1
        return tokenise(row.text, language)
    return tokens


def cut(tokens: Offsets, row: Row) -> Offsets:
    """Cut the tokens of a record at the borders of its spans."""
    spans = row.all_spans
    borders = {edge for span in spans for edge in (span.start, span.end)}
    return split_at(filled(tokens, spans), borders)


def filled(tokens: Offsets, spans: Sequence[Span]) -> Offsets:
    """Make tokens of the single spaces that spans start or end with.

    `ingest` trims spans; those of another writer are kept as they are, too.
    """
    edges = {edge for span in spans for edge in (span.start, span.end - 1)}
    gaps = edges.difference(*(range(start, end) for start, end in tokens))
    return sorted([*tokens, *((gap, gap + 1) for gap in gaps)])


def split_at(tokens: Offsets, borders: set[int]) -> Offsets:
    """Cut the tokens that a border falls into."""
    result: Offsets = []
    ordered = sorted(borders)
    for start, end in tokens:
        inner = ordered[bisect_right(ordered, start) : bisect_left(ordered, end)]
        result += zip([start, *inner], [*inner, end], strict=True)
    return result
