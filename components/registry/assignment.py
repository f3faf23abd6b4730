"""The assignment beside a model: which split each text and group was in when it was trained."""

from __future__ import annotations

from pathlib import Path

import msgspec

from components.errors import DataError
from components.files import writing

VERSION = 1


class Stored(msgspec.Struct, omit_defaults=True):
    """The file: keys (see `components.records.keys`) as 16 hex digits under their split.

    Attributes:
        silver: texts that the model learnt as another model answered them. They are in no split:
            once they are annotated, they may come into any.
    """

    version: int
    train: list[str]
    dev: list[str]
    test: list[str]
    silver: list[str] = []


def read(path: Path) -> Stored:
    """Read what `write` wrote.

    Raises:
        DataError: it is something else.
    """
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=Stored)
        wrong = [
            key
            for keys in (stored.train, stored.dev, stored.test, stored.silver)
            for key in keys
            if not 0 < int(key, 16) < 1 << 64
        ]
        if wrong:
            raise ValueError(f"{wrong[0]} is no key")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read as the assignment of an earlier run: {error}. "
            "Give an assignment.json that `split` wrote, or none to start afresh."
        ) from error
    if stored.version != VERSION:
        raise DataError(f"{path}: version {stored.version} of the assignment is not known here")
    return stored


def write(path: Path, stored: Stored) -> None:
    """Write it as JSON."""
    with writing(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(stored) + b"\n")
