"""Text of others inside Markdown that we write."""

from __future__ import annotations

MARKS = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]#"} | {mark: f"&#{ord(mark)};" for mark in "|<>&"}
)


def escape(text: str) -> str:
    """One line that is shown as it is: read neither as Markdown nor as HTML."""
    return " ".join(text.translate(MARKS).split())
