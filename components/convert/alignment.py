"""Whether the training tokeniser can delimit an entity."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import chain

from components.piecewise import Piecewise
from components.tokeniser import tokenise, tokeniser


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
    """Whether a language's tokeniser never looks past white space.

    Every language has rules for pieces of white space; those of Spanish have one for "EE. UU.".
    """
    own = tokeniser(language)
    return isinstance(own, Piecewise) and not any(
        len(rule.split()) > 1 or rule.strip() not in ("", rule) for rule in own.rules
    )


@lru_cache(maxsize=1 << 14)
def borders(text: str, language: str) -> frozenset[int]:
    """Offsets at which tokens of the training tokeniser start or end."""
    return frozenset(chain.from_iterable(tokenise(text, language)))
