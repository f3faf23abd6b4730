"""Small damage to text, to JSON and to bytes, as an export or a client may bring it."""

from __future__ import annotations

import json
import random
from typing import Any

ODD_TEXT = ["", " ", "\x00", "\u200b", "\ufeff", "é", "e\u0301", "🎉", "\r\n", "ﷺ", "a" * 3000]
ODD_JSON: list[Any] = [
    *(None, True, -1, 0, 10**30, 0.5, 1e308, "", [], {}, [[]], {"": None}),
    *("\ud800", "1", ["x"] * 50, {"text": "inner"}),
]
RAW = [b"NaN", b"1e999", b"\xff", b"\xed\xa0\x80", b'"', b"\\u0000", b"[" * 300, b"}", b"\x1f\x8b"]


def damaged_value(value: Any, source: random.Random) -> Any:
    """A JSON value with one thing in it that is other than it was."""
    if isinstance(value, dict) and value and source.random() < 0.9:
        key = source.choice(list(value))
        return damaged_object(value, key, source)
    if isinstance(value, list) and value and source.random() < 0.9:
        place = source.randrange(len(value))
        rest = [*value[:place], damaged_value(value[place], source), *value[place + 1 :]]
        return source.choice([rest, [*value, value[place]], value[:place]])
    if isinstance(value, int) and not isinstance(value, bool) and source.random() < 0.7:
        return value + source.choice([-1, 1, 2, -1000, 1000])
    if isinstance(value, str) and source.random() < 0.7:
        place = source.randrange(len(value) + 1)
        return value[:place] + source.choice(ODD_TEXT) + value[place:]
    return source.choice(ODD_JSON)


def damaged_object(value: dict[str, Any], key: str, source: random.Random) -> dict[str, Any]:
    choice = source.random()
    rest = {k: v for k, v in value.items() if k != key}
    if choice < 0.15:
        return rest
    if choice < 0.3:
        return {**rest, source.choice(["x", "", "text", "label", key.upper()]): value[key]}
    return {**value, key: damaged_value(value[key], source)}


def damaged_bytes(content: bytes, source: random.Random) -> bytes:
    """Bytes with a few of them changed, taken out, repeated or put in."""
    for _ in range(source.choice([1, 1, 2, 4])):
        start = source.randrange(len(content) + 1)
        end = min(len(content), start + source.choice([1, 2, 8, 40]))
        piece = content[start:end]
        new = source.choice(
            [b"", piece * 2, source.randbytes(len(piece)), source.choice(RAW), piece[::-1]]
        )
        content = content[:start] + new + content[end:]
    return content


def as_json(value: Any) -> bytes:
    """JSON, also of half a surrogate pair."""
    return json.dumps(value).encode()
