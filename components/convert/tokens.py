"""Tokens: the annotation tool's where they rebuild the text, else the training tokeniser's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from spacy.tokenizer import Tokenizer

from components.record import Span
from components.tokeniser import tokeniser

Offsets = list[tuple[int, int]]
SPACE = ord(" ")
# Whether a code point is white space; the last entry stands for all after the last that is.
WHITE = np.array([chr(code).isspace() for code in range(0x3002)])


@dataclass(frozen=True)
class Layout:
    """Tokens of all documents, one after the other, at offsets into the joined texts.

    Attributes:
        starts, ends: of each token.
        spaces: whether a space follows it.
        first: first token of each document; one more entry for the end.
        base: where each document's text starts; one more entry for the end.
        broken: documents that their tokens and spaces do not rebuild.
        codes: code points of the joined texts.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    spaces: NDArray[np.bool_]
    first: NDArray[np.int64]
    base: NDArray[np.int64]
    broken: NDArray[np.int64]
    codes: NDArray[np.uint32]


def lay_out(texts: Sequence[str], tokens: Sequence[Offsets]) -> Layout:
    """Put the tokens of many documents into arrays and check each document.

    A text is rebuilt when its tokens cover it, in order, but for at most one space after each.
    """
    base = sums(list(map(len, texts)))
    first = sums(list(map(len, tokens)))
    count = int(first[-1])
    flat = chain.from_iterable(chain.from_iterable(tokens))
    offsets = np.fromiter(flat, np.int64, 2 * count).reshape(count, 2)
    document = np.repeat(np.arange(len(texts)), np.diff(first))
    starts, ends = (offsets + base[document, None]).T
    # Each token reaches to the next one, the last to the end of its text.
    reach = np.append(starts[1:], base[-1])
    last = first[1:][np.diff(first) > 0] - 1
    reach[last] = base[1:][np.diff(first) > 0]
    gap = reach - ends
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    spaces = gap == 1
    within = (ends > starts) & (starts >= base[document]) & (ends + spaces <= base[document + 1])
    good = within & ((gap == 0) | spaces)
    at = spaces & good
    good[at] = codes[ends[at]] == SPACE
    broken = np.zeros(len(texts), bool)
    broken[document[~good]] = True
    has_tokens = np.diff(first) > 0
    broken[has_tokens] |= starts[first[:-1][has_tokens]] != base[:-1][has_tokens]
    broken[~has_tokens] = np.diff(base)[~has_tokens] > 0
    return Layout(starts, ends, spaces, first, base, np.flatnonzero(broken), codes)


def sums(sizes: Sequence[int]) -> NDArray[np.int64]:
    """0, then the running sums."""
    return np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))])


def tokenise(text: str, language: str) -> Offsets:
    """Offsets of the tokens of spaCy's tokeniser for a language."""
    doc = tokeniser(language)(text)
    return [(token.idx, token.idx + len(token)) for token in doc]


def filled(tokens: Offsets, spans: Sequence[Span]) -> Offsets:
    """Make tokens of the single spaces that spans start or end with.

    `ingest` trims spans; those of another writer are kept as they are, too.
    """
    edges = {edge for span in spans for edge in (span.start, span.end - 1)}
    gaps = [edge for edge in edges if not any(start <= edge < end for start, end in tokens)]
    return sorted([*tokens, *((gap, gap + 1) for gap in gaps)])


def split_at(tokens: Offsets, borders: set[int]) -> Offsets:
    """Cut the tokens that a border falls into."""
    result: Offsets = []
    for start, end in tokens:
        inner = sorted(border for border in borders if start < border < end)
        result += zip([start, *inner], [*inner, end], strict=True)
    return result


def spaced(layout: Layout, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether there is white space, or a text's end, at or before each character offset."""
    codes = np.append(layout.codes, SPACE)
    edges = np.isin(at, layout.base)
    around = WHITE[np.minimum(codes[at], len(WHITE) - 1)]
    before = WHITE[np.minimum(codes[at - 1], len(WHITE) - 1)]
    result: NDArray[np.bool_] = edges | around | before
    return result


def aligned(text: str, start: int, end: int, language: str) -> bool:
    """Whether the training tokeniser has token borders where an entity starts and ends."""
    return border(text, start, language) and border(text, end, language)


def border(text: str, at: int, language: str) -> bool:
    """Whether the training tokeniser has a token border at an offset.

    White space always is one, and spaCy's rules work on the pieces between white space alone: so
    only the piece around the offset is tokenised.
    """
    if at in (0, len(text)) or text[at - 1].isspace() or text[at].isspace():
        return True
    if not by_pieces(language):
        return at in borders(text, language)
    start, end = at, at
    while start and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return at - start in borders(text[start:end], language)


@cache
def by_pieces(language: str) -> bool:
    """Whether a language's tokeniser never looks past white space."""
    found = tokeniser(language)
    return type(found) is Tokenizer and not any(
        character.isspace() for rule in found.rules for character in rule
    )


@lru_cache(maxsize=1 << 14)
def borders(text: str, language: str) -> frozenset[int]:
    """Offsets at which tokens of the training tokeniser start or end."""
    return frozenset(chain.from_iterable(tokenise(text, language)))
