"""A tokeniser that is given texts in pieces, so that none keeps it for long.

spaCy's takes as long as the square of a word's length: it strips one sign after the other from a
word's ends, and looks at all that is left each time. A word of 10,000 brackets took 8 s, in which
no other thread of its process ran. A word here is what stands between white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

LONGEST_WORD = 300  # characters; a longer one is cut. Few addresses of web pages have as many
SHORT_WORD = 50
# Squares of the lengths of a piece's words. Prose of 20,000 characters has about as many; words of
# brackets take 15 ms, the worst (dots and brackets) 50 ms.
MOST_WORK = 150_000

WORD = re.compile(r"\S+")


def piecewise(tokeniser: Any) -> Any:
    """The tokeniser in pieces if it is spaCy's own; one of another kind as it is.

    Those of Japanese or Chinese read sentences without a space as a whole.
    """
    from spacy.tokenizer import Tokenizer

    return Piecewise(tokeniser) if type(tokeniser) is Tokenizer else tokeniser


class Piecewise:
    """Makes the Doc that spaCy's tokeniser makes, of any text without a word that has to be cut.

    All else is the tokeniser's own: a pipeline that has this one is saved with the other.
    """

    def __init__(self, tokeniser: Any) -> None:
        self.whole = tokeniser

    def __call__(self, text: str) -> Any:
        """The Doc of a text."""
        if at_once(text):
            return self.whole(text)
        from spacy.tokens import Doc

        docs = [self.whole(piece) for piece in pieces(text)]
        return Doc.from_docs(docs, ensure_whitespace=False, attrs=["NORM"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


def at_once(text: str) -> bool:
    """Whether a text is little work for spaCy's tokeniser."""
    if len(text) <= LONGEST_WORD:
        return True
    lengths = list(map(len, text.split()))
    longest = max(lengths, default=0)
    if longest <= SHORT_WORD:
        return True
    return longest <= LONGEST_WORD and sum(n * n for n in lengths) <= MOST_WORK


def pieces(text: str) -> Iterator[str]:
    """Cut a text before a word that is not short, and in a word that is too long.

    Where a long word is cut depends on that word alone. The tokeniser does not look past white
    space but for exceptions such as "EE. UU.", which have no such words.
    """
    start, work = 0, 0
    for word in WORD.finditer(text):
        length = len(word[0])
        work += min(length, LONGEST_WORD) ** 2
        if work > MOST_WORK and length > SHORT_WORD and word.start() > start:
            yield text[start : word.start()]
            start, work = word.start(), min(length, LONGEST_WORD) ** 2
        for cut in range(word.start() + LONGEST_WORD, word.end(), LONGEST_WORD):
            yield text[start:cut]
            start, work = cut, min(word.end() - cut, LONGEST_WORD) ** 2
    yield text[start:]
