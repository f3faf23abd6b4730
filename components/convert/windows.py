"""Long documents in windows that never cut an entity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.convert.layout import Layout
from components.convert.spans import SpanColumns, find

SENTENCE_ENDS = frozenset(".!?\N{HORIZONTAL ELLIPSIS}\N{IDEOGRAPHIC FULL STOP}")


def cut_into_windows(
    layout: Layout, marks: Sequence[SpanColumns], longest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut the records with more than `longest` words into windows; 0 cuts none.

    Returns:
        of each document, the record and the first token, counted over all records.
    """
    document = [np.arange(len(layout.first) - 1)]
    start = [layout.first[:-1]]
    for at in np.flatnonzero(np.diff(layout.first) > (longest or len(layout.starts))).tolist():
        first, end = layout.first[at : at + 2].tolist()
        inside = [edges for each in marks for edges in ranges(each, layout, at)]
        words = layout.words(first, end)
        more = [begin + first for begin, _ in windows(words, inside, longest)[1:]]
        start.append(np.array(more, np.int64))
        document.append(np.full(len(more), at))
    return np.sort(np.concatenate(document)), np.sort(np.concatenate(start))


def ranges(marks: SpanColumns, layout: Layout, document: int) -> list[tuple[int, int]]:
    """First word, and the word after the last, of the spans of a record."""
    part = slice(*np.searchsorted(marks.document, [document, document + 1]).tolist())
    first = layout.first[document]
    firsts, ends = (edges[part] - first for edges in find(marks, layout))
    return list(zip(firsts.tolist(), ends.tolist(), strict=True))


def windows(
    words: Sequence[str], entities: Sequence[tuple[int, int]], longest: int
) -> list[tuple[int, int]]:
    """Cut a document into windows of at most `longest` words.

    A window ends after a sentence where one ends in its last quarter. Only an entity that is longer
    than a window, or a chain of overlapping ones, makes a window longer.

    Args:
        entities: first word and the word after the last of each.

    Returns:
        first word and the word after the last of each window.
    """
    inside = {word for start, end in entities for word in range(start + 1, end)}
    result = []
    start = 0
    while len(words) - start > longest:
        end = window_end(words, inside, start, longest)
        result.append((start, end))
        start = end
    if start < len(words) or not result:
        result.append((start, len(words)))
    return result


def window_end(words: Sequence[str], inside: set[int], start: int, longest: int) -> int:
    """Where a window that starts here ends best; `inside` may not be its end."""
    allowed = [end for end in range(start + longest, start, -1) if end not in inside]
    for end in allowed:
        if end > start + longest * 3 // 4 and ends_sentence(words[end - 1]):
            return end
    if allowed:
        return allowed[0]
    end = start + longest + 1
    while end in inside:
        end += 1
    return end


def ends_sentence(word: str) -> bool:
    """Whether a sentence or a line is likely to end with this word."""
    return word[-1] in SENTENCE_ENDS or "\n" in word
