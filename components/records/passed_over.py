"""Texts that annotators have seen, of which a phase learns nothing: ignored, filtered, refused.

`ingest` writes them, so that nobody is asked for them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from components.records import json_lines


class PassedOver(msgspec.Struct, omit_defaults=True, frozen=True):
    """A text, and the annotation tool's meta."""

    text: str
    meta: dict[str, Any] = {}


def read_passed_over(path: Path) -> Iterator[PassedOver]:
    """Yield the texts of a file that `write_passed_over` wrote.

    Raises:
        DataError: a line is none.
    """
    return json_lines.read(path, PassedOver, "a text that was passed over", "`ingest`")


def write_passed_over(path: Path, texts: Iterable[PassedOver]) -> int:
    """Write them as JSON Lines, whole or not at all; return how many."""
    return json_lines.write(path, texts)
