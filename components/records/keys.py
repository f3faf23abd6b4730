"""By which a text is known again, on every machine and in every later run."""

from __future__ import annotations

import hashlib
import unicodedata

import msgspec

NO_KEY = 0


def normalised(text: str) -> str:
    """The text without what a reader would not see: case, width and form, runs of white space.

    Unicode promises that assigned characters normalise alike in every later version, so this does
    not depend on the Python version.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def key_of(text: str, kind: bytes) -> int:
    """A 64-bit hash that is the same on every machine, and never NO_KEY."""
    digest = hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=8, person=kind
    ).digest()
    return int.from_bytes(digest, "big") or 1


def group_of(meta: object, group_by: str) -> str:
    """The value of the key by which texts stay together, as JSON; "" without one."""
    value = meta
    for key in group_by.split(".")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    if not group_by or value is None or value == "":
        return ""
    return msgspec.json.encode(value, order="deterministic").decode()


def text_id(text: str) -> str:
    """The same for the same text, wherever it was exported: 128 bits of SHA-256, as hex."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
