"""The annotations that a model was trained on, stored with it: a later run can count the new ones.

A key covers a text and what annotators said about it: an annotation that was corrected is a new
one. What they said is kept beside it, without the texts: a report can say what was corrected.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from components.errors import DataError
from components.files import writing
from components.records.record import Record, Span, read_records

VERSION = 1


# Where a label was said, and the label: a task, and a place in the text or the whole of it.
Place = tuple[str, int, int]
Said = dict[str, list[tuple[str, int, int, str]]]
WHOLE = -1


class Stored(msgspec.Struct, omit_defaults=True):
    """The file: 16 hex digits for each annotated document, sorted, and what was said of each text.

    Attributes:
        said: id of a text -> task, start, end and label of each item, -1 for the whole text; None
            in the files of older models.
    """

    version: int
    keys: list[str]
    said: Said | None = None


def said_in(annotations: Path) -> Said:
    """What annotators said of each text of a file of records; only what is there, and complete."""
    return {
        record.id: sorted(
            (task, item.start, item.end, item.label)
            if isinstance(item, Span)
            else (task, WHOLE, WHOLE, item)
            for task, answers in record.answers.items()
            for item in answers.items
        )
        for record in read_records(annotations)
        if all(answers.complete and answers.known is None for answers in record.answers.values())
    }


def relabelled(before: bytes, now: bytes) -> Counter[tuple[str, str]] | None:
    """How often a known text says another label than before at the same place.

    Args:
        before, now: files of two models.

    Returns:
        (label before, label now) -> how many, "" for none; None if one of the files does not say.
    """
    old, new = (msgspec.json.decode(content, type=Stored).said for content in (before, now))
    if old is None or new is None:
        return None
    counts: Counter[tuple[str, str]] = Counter()
    for text in old.keys() & new.keys():
        was, is_ = at_places(old[text]), at_places(new[text])
        for place in was.keys() | is_.keys():
            gone = sorted(was.get(place, set()) - is_.get(place, set()))
            come = sorted(is_.get(place, set()) - was.get(place, set()))
            counts.update(zip_longest(gone, come, fillvalue=""))
    return counts


def at_places(said: Iterable[tuple[str, int, int, str]]) -> dict[Place, set[str]]:
    """Place -> the labels that it has."""
    places: dict[Place, set[str]] = {}
    for task, start, end, label in said:
        places.setdefault((task, start, end), set()).add(label)
    return places


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


def write_keys(path: Path, keys: Iterable[str], said: Said | None = None) -> None:
    """Write keys and what was said, the same bytes for the same annotations."""
    stored = Stored(VERSION, sorted(keys), dict(sorted(said.items())) if said else None)
    with writing(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(stored) + b"\n")


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
