"""Tables and text of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Made from the code by `make reference`. Do not edit. -->"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(cell(each) for each in line)} |" for line in lines]


def cell(text: str) -> str:
    """Text on one line that does not end its cell."""
    return " ".join(text.split()).replace("|", r"\|")


def code(text: str) -> str:
    """Text as code, or nothing."""
    return f"`{text}`" if text else ""
