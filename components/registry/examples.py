"""The annotations that a model was trained on, stored with it: a later run can count the new ones.

A key covers a text and what annotators said about it: an annotation that was corrected is a new
one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from components.errors import DataError
from components.files import writing
from components.records.record import Record, read_records

VERSION = 1


class Stored(msgspec.Struct):
    """The file: 16 hex digits for each annotated document, sorted."""

    version: int
    keys: list[str]


def keys_of(annotations: Path) -> set[str]:
    """The keys of a file of records.

    Raises:
        DataError: it is something else.
    """
    return {key_of(record) for record in read_records(annotations)}


def key_of(record: Record) -> str:
    """A hash of the text and its annotations, the same on every machine."""
    said: list[Any]
    only = next(iter(record.answers.values())) if len(record.answers) == 1 else None
    if only and not only.cats and only.known is None:
        # As before there were tasks, so that the lists of older models still count.
        said = [record.id, only.complete, sorted(only.spans), sorted(only.rejected)]
    else:
        said = [record.id, sorted(record.answers.items(), key=itemgetter(0))]
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()


def write_keys(path: Path, keys: Iterable[str]) -> None:
    """Write keys, the same bytes for the same keys."""
    with writing(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(Stored(VERSION, sorted(keys))) + b"\n")


def read_keys(content: bytes, where: str) -> set[str]:
    """The keys that `write_keys` wrote.

    Args:
        where: the place it comes from, for messages.

    Raises:
        DataError: it is something else.
    """
    try:
        stored = msgspec.json.decode(content, type=Stored)
    except msgspec.DecodeError as error:
        raise DataError(
            f"{where}: cannot be read as the list of a model's annotations: {error}. Restore the "
            "file from a backup, or train without looking (`retrain submit`)."
        ) from error
    if stored.version != VERSION:
        raise DataError(f"{where}: version {stored.version} is not known here")
    return set(stored.keys)
