"""What is wrong with a text."""

from __future__ import annotations

import re
import unicodedata

from components.records.problems import Note, QuarantineError

LONGEST = 1_000_000  # characters; spaCy's own limit
ODD = re.compile("\x00|\N{NO-BREAK SPACE}|[\u200b\u200c\u200d\u2060\ufeff]")


def check_text(text: str) -> list[Note]:
    """Return what to warn of: texts are never changed, since offsets would shift.

    Raises:
        QuarantineError: there is nothing in it to train on, or too much.
    """
    if not text or text.isspace():
        raise QuarantineError("blank_text", "the text is empty or white")
    if len(text) > LONGEST:
        raise QuarantineError("long_text", f"the text has {len(text):,} characters")
    if text.isascii() and "\x00" not in text:
        return []
    notes = [odd_character(match, text) for match in first_matches(text).values()]
    if not unicodedata.is_normalized("NFC", text):
        notes.append(Note("decomposed", "the text is not in normal form C", text))
    return notes


def first_matches(text: str) -> dict[str, re.Match[str]]:
    """The first match of each class of odd characters."""
    matches: dict[str, re.Match[str]] = {}
    for match in ODD.finditer(text):
        matches.setdefault(odd_kind(match[0]), match)
    return matches


def odd_kind(character: str) -> str:
    return {"\x00": "nul", "\N{NO-BREAK SPACE}": "nbsp"}.get(character, "zero_width")


def odd_character(match: re.Match[str], text: str) -> Note:
    start = match.start()
    detail = f"U+{ord(match[0]):04X} at character {start}"
    return Note(odd_kind(match[0]), detail, text[max(0, start - 40) : start + 40])
