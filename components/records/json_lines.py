"""Files of JSON Lines that one stage writes and another reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from components.errors import DataError
from components.files import writing

T = TypeVar("T", bound=msgspec.Struct)


def read(path: Path, kind: type[T], called: str, writers: str) -> Iterator[T]:
    """Yield the lines of a file that `write` wrote.

    Args:
        called: what a line is, for the message: "a prediction".
        writers: who writes such a file: "`evaluate`".

    Raises:
        DataError: a line is of another kind.
    """
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise DataError(
                    f"{path}:{number}: not {called}: {error}. Give the file that {writers} wrote."
                ) from error


def write(path: Path, items: Iterable[msgspec.Struct]) -> int:
    """Write one item a line, whole or not at all; return how many."""
    encoder = msgspec.json.Encoder()
    count = 0
    with writing(path) as temporary, temporary.open("wb") as file:
        for item in items:
            file.write(encoder.encode(item) + b"\n")
            count += 1
    return count
