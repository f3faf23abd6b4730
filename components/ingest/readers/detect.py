"""Read a source file in whatever format it is."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from components.ingest.annotation import Item
from components.ingest.problems import Problems, StopReadingError
from components.ingest.readers import columns, docbin, json_items, labelstudio, prodigy
from components.ingest.readers.lines import BYTE_ORDER_MARK, UTF_16, read_bytes
from components.records.sources import Format

HEAD = 1 << 20  # bytes looked at
LABEL_STUDIO = re.compile(rb'"(completions|annotations|predictions)"\s*:\s*\[|"data"\s*:\s*\{')

Reader = Callable[[Path, str, Problems], Iterator[Item]]

READERS: dict[str, Reader] = {
    "prodigy": json_items.reader(prodigy.read_items),
    "labelstudio": json_items.reader(labelstudio.read_items),
    "conll": columns.read_columns,
    "iob": columns.read_iob,
    "docbin": docbin.read_docbin,
}


def read(path: Path, source: str, file_format: Format, problems: Problems) -> Iterator[Item]:
    """Yield what `path` holds, record by record, in its order.

    Args:
        source: the file's name in positions and messages.
        file_format: "auto" to tell it from the content.

    Raises:
        StopReadingError: the file cannot be read to its end.
    """
    head = read_bytes(path, source, HEAD)
    if not head.strip():
        return
    name = detect(head, source) if file_format == "auto" else file_format
    yield from READERS[name](path, source, problems)


def detect(head: bytes, source: str) -> str:
    """Tell the format from the first bytes of a file (unpacked).

    Raises:
        StopReadingError: it is none that we know.
    """
    if head.startswith(UTF_16):
        raise StopReadingError("wrong_encoding", source, "it is UTF-16")
    if is_zlib(head):
        return "docbin"
    lines = [line for line in head.removeprefix(BYTE_ORDER_MARK).splitlines()[:50] if line.strip()]
    # The first line decides, and the others only where it says nothing: it may be damaged.
    for name in filter(None, map(kind_of_line, lines)):
        if name == "json":
            return "labelstudio" if LABEL_STUDIO.search(head) else "prodigy"
        return name
    raise StopReadingError(
        "unknown_format",
        source,
        "neither Prodigy JSONL, Label Studio JSON, CoNLL or IOB, nor a spaCy DocBin",
    )


def kind_of_line(line: bytes) -> str:
    """ "conll", "iob", "json", or "" for a line that none of them would write."""
    if columns.looks_like_column(line):
        return "conll"
    if columns.looks_like_iob(line):
        return "iob"
    return "json" if line.lstrip().startswith((b"{", b"[")) else ""


def is_zlib(head: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(head, 1)) == 1
    except zlib.error:
        return False
