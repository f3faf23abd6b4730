"""What a document of named-entity recognition is stratified by."""

from __future__ import annotations

from typing import Any

import msgspec


class Entity(msgspec.Struct):
    """The part of a span that matters here."""

    label: str


class Document(msgspec.Struct):
    """The parts of a record that decide its split; the decoder skips the rest."""

    text: str
    spans: list[Entity]
    meta: dict[str, Any] = {}
    split: str = ""


def labels(document: Document) -> tuple[str, ...]:
    """Its distinct entity labels, sorted."""
    return tuple(sorted({span.label for span in document.spans}))
