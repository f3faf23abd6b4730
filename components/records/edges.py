"""The edges of a span."""

from __future__ import annotations

from components.records.offsets import Located
from components.records.problems import Note, QuarantineError


def trim(text: str, start: int, end: int) -> tuple[Located, list[Note]]:
    """Take white space off both edges.

    Raises:
        QuarantineError: nothing is left.
    """
    inside = text[start:end]
    word = inside.strip()
    if not word:
        raise QuarantineError("bad_offsets", f"the span {start}-{end} holds white space only")
    if word == inside:
        return (start, end), []
    new_start = start + len(inside) - len(inside.lstrip())
    return (new_start, new_start + len(word)), [Note("white_edges", excerpt=repr(inside))]
