"""How large a source is once unpacked: looked at in pieces, before anything is held in memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Literal

from components.ingest.readers.json_items import OPEN_ENDED
from components.ingest.readers.lines import BYTE_ORDER_MARK, GZIP, corrupt, open_bytes
from components.ingest.settings import IngestSettings
from components.records.problems import StopReadingError

CHUNK = 1 << 20  # bytes
SMALL = 64 << 20  # bytes that any packed file may unpack to
Kind = Literal["plain", "gzip", "zlib"]
DOCUMENT = 64  # times max_record: the most bytes of a file that has to be read as a whole


def check_size(path: Path, source: str, settings: IngestSettings) -> None:
    """Read a file to its end, one piece after the other.

    Raises:
        StopReadingError: it unpacks to too much, one of its records is too long, or it is damaged.
    """
    kind = kind_of(path)
    most = inf if kind == "plain" else most_unpacked(path, settings)
    # No line inside of a piece is then too long.
    size = min(CHUNK, settings.max_record)
    total, number, line = 0, 1, 0
    whole = kind == "zlib"
    for chunk in chunks(path, source, kind, size):
        whole = whole or (not total and is_whole(chunk))
        total += len(chunk)
        if total > most:
            detail = f"it unpacks to more than {settings.max_unpacked:g} times its size"
            raise StopReadingError("unpacks_too_far", source, detail)
        end = -1 if whole else chunk.find(b"\n")
        line += len(chunk) if end < 0 else end
        if line > (DOCUMENT if whole else 1) * settings.max_record:
            raise StopReadingError("long_record", f"{source}:{number}", too_long(whole, settings))
        if end >= 0:
            number += chunk.count(b"\n")
            line = len(chunk) - chunk.rindex(b"\n") - 1


def most_unpacked(path: Path, settings: IngestSettings) -> float:
    """How many bytes a packed file may unpack to."""
    return max(SMALL, settings.max_unpacked * path.stat().st_size)


def too_long(whole: bool, settings: IngestSettings) -> str:
    if whole:
        return f"it is one document of more than {DOCUMENT} times max_record"
    return f"the record has more than max_record = {settings.max_record:,} bytes"


def kind_of(path: Path) -> Kind:
    """How a file is packed; a DocBin is a zlib stream."""
    with path.open("rb") as file:
        head = file.read(CHUNK)
    if head.startswith(GZIP):
        return "gzip"
    return "zlib" if is_zlib(head) else "plain"


def is_zlib(head: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(head, 1)) == 1
    except zlib.error:
        return False


def chunks(path: Path, source: str, kind: Kind, size: int) -> Iterator[bytes]:
    """The content of a file, unpacked."""
    try:
        if kind == "zlib":
            yield from inflated(path, size)
        else:
            with open_bytes(path) as file:
                while chunk := file.read(size):
                    yield chunk
    except (EOFError, OSError, zlib.error) as error:
        raise corrupt(source, error) from error


def inflated(path: Path, size: int) -> Iterator[bytes]:
    """What a zlib stream unpacks to, as a DocBin is packed."""
    unpacker = zlib.decompressobj()
    with path.open("rb") as file:
        while not unpacker.eof and (packed := unpacker.unconsumed_tail or file.read(size)):
            if chunk := unpacker.decompress(packed, size):
                yield chunk


def is_whole(head: bytes) -> bool:
    """Whether a file that begins so is read as a whole: no JSON Lines, and no text."""
    first, _, _ = head.removeprefix(BYTE_ORDER_MARK).lstrip().partition(b"\n")
    return first.startswith(b"[") or OPEN_ENDED.fullmatch(first) is not None
