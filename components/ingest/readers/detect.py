"""Read a source file in whatever format it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from components.ingest.readers import (
    brat,
    columns,
    docbin,
    huggingface,
    json_items,
    labelstudio,
    prodigy,
    tables,
    webanno,
)
from components.ingest.readers.archive import ZIP, hidden, is_of_brat, unpack
from components.ingest.readers.exports import EXPORTS, label_studio_min, reader_from, reader_of
from components.ingest.readers.lines import BYTE_ORDER_MARK, UTF_16, read_bytes
from components.ingest.readers.recognise import first_record, format_of
from components.ingest.readers.size import check_size, is_zlib, most_unpacked
from components.ingest.settings import IngestSettings
from components.records.annotation import Item
from components.records.problems import Note, Problems, StopReadingError
from components.records.sources import COMPANIONS, SourceFile

HEAD = 1 << 20  # bytes looked at
# What files begin with that are often given, and never read.
OTHERS = {
    b"SQLite format 3": "an SQLite database; of Prodigy's, name a dataset: prodigy:FILE#DATASET",
    b"PAR1": "a Parquet file: write it as JSON Lines, with its dataset_info.json",
    b"ARROW1": "an Arrow file: write it as JSON Lines, with its dataset_info.json",
    b"BZh": "packed with bzip2: unpack it",
    b"\xfd7zXZ": "packed with xz: unpack it",
    b"7z\xbc\xaf": "packed with 7-Zip: unpack it",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it",
    b"Rar!": "packed with RAR: unpack it",
    b"%PDF": "a PDF",
}
TAR = slice(257, 262)
USUAL = IngestSettings()

Reader = Callable[[Path, str, Problems, SourceFile], Iterator[Item]]

READERS: dict[str, Reader] = {
    "prodigy": json_items.reader(prodigy.read_items),
    "labelstudio": json_items.reader(labelstudio.read_items),
    "conll": columns.read_columns,
    "iob": columns.read_iob,
    "docbin": docbin.read_docbin,
    "csv": tables.read_table,
    "webanno": webanno.read_webanno,
    "brat": brat.read_brat,
    "huggingface": huggingface.read_huggingface,
    "labelstudio-min": json_items.reader(reader_from(label_studio_min)),
    **{name: lambda *_: iter(()) for name in COMPANIONS},  # read with the file that needs it
    **{name: json_items.reader(reader_of(extract)) for name, extract in EXPORTS.items()},
}


READABLE = [*(name for name in READERS if name not in COMPANIONS), "zip archives of these"]


def read(
    path: Path,
    source: str,
    file: SourceFile,
    problems: Problems,
    limits: IngestSettings = USUAL,
) -> Iterator[Item]:
    """Yield what `path` holds, record by record, in its order; of an archive, file by file.

    Args:
        source: the file's name in positions and messages.
        file: what the config says of it; format "auto" to tell it from the content.

    Raises:
        StopReadingError: the file cannot be read to its end, or unpacks to more than `limits`
            allow; that is looked at before anything of it is read.
    """
    if read_bytes(path, source, len(ZIP)) != ZIP:
        check_size(path, source, limits)
        yield from read_file(path, source, file, problems)
        return
    with TemporaryDirectory() as folder:
        unpacked = unpack(path, source, Path(folder), most_unpacked(path, limits))
        members = [(f"{source}/{name}", at) for name, at in unpacked]
        for name, member in members:
            check_size(member, name, limits)
        for name, member in members:
            if hidden(member):
                problems.add(name, Note("hidden_file"))
                continue
            if read_bytes(member, name, len(ZIP)) == ZIP:
                raise StopReadingError("unknown_format", name, "a zip archive in another")
            if not is_of_brat(member):
                yield from read_file(member, name, file, problems)


def read_file(path: Path, source: str, file: SourceFile, problems: Problems) -> Iterator[Item]:
    """Yield what a file that is no archive holds."""
    name = file.format if file.format != "auto" else detected(path, source)
    if name:
        yield from READERS[name](path, source, problems, file)


def detected(path: Path, source: str) -> str:
    """The format of a file; "" if it is empty. Raises as `detect` does."""
    if source.endswith(".ann"):  # one without an entity may be empty
        return "brat"
    head = read_bytes(path, source, HEAD)
    if head.startswith(ZIP):
        return "zip"
    return detect(head, source) if head.strip() else ""


def detect(head: bytes, source: str) -> str:
    """Tell the format from the first bytes of a file (unpacked).

    Raises:
        StopReadingError: it is none that we know.
    """
    other = next((what for mark, what in OTHERS.items() if head.startswith(mark)), "")
    if other or head[TAR] == b"ustar":
        detail = f"it is {other or 'a tar archive: unpack it'}"
        raise StopReadingError("unknown_format", source, detail)
    if head.startswith(UTF_16):
        raise StopReadingError("wrong_encoding", source, "it is UTF-16")
    if is_zlib(head):
        return "docbin"
    text = head.removeprefix(BYTE_ORDER_MARK)
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if lines and tables.looks_like_table(lines[0]):
        return "csv"
    # The first line decides, and the others only where it says nothing: it may be damaged.
    for name in filter(None, map(kind_of_line, lines)):
        return format_of(first_record(text.decode(errors="replace"))) if name == "json" else name
    known = ", ".join(READABLE)
    raise StopReadingError("unknown_format", source, f"none of the formats that are read: {known}")


def kind_of_line(line: bytes) -> str:
    """The format of a line, "json" for one of several, or "" for what none of them would write."""
    if webanno.looks_like_webanno(line):
        return "webanno"
    if brat.looks_like_brat(line):
        return "brat"
    if columns.looks_like_column(line):
        return "conll"
    if columns.looks_like_iob(line):
        return "iob"
    return "json" if line.lstrip().startswith((b"{", b"[")) else ""
