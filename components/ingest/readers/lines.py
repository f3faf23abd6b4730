"""Lines of a text file, plain or gzip, and what can be wrong with the file as a whole."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from components.records.annotation import Place
from components.records.problems import Note, Problems, StopReadingError

GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def open_bytes(path: Path) -> gzip.GzipFile | BufferedReader:
    """Open a file, unpacking gzip whatever its name says."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")


def read_bytes(path: Path, source: str, size: int = -1) -> bytes:
    """Read a file, or its first `size` bytes.

    Raises:
        StopReadingError: the gzip is cut or corrupt.
    """
    try:
        with open_bytes(path) as file:
            return file.read(size)
    except (EOFError, OSError, zlib.error) as error:
        raise corrupt(source, error) from error


def read_lines(path: Path, source: str, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Yield (line number, line) of every line that is not blank, without its end.

    Byte order marks and Windows line ends are taken off and counted.

    Raises:
        StopReadingError: the gzip is cut or corrupt, or a line is not UTF-8.
    """
    windows = False
    for number, line in numbered(path, source):
        if line.startswith(BYTE_ORDER_MARK):
            problems.add(f"{source}:{number}", Note("byte_order_mark"))
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line.endswith(b"\r\n") and not windows:
            windows = True
            problems.add(f"{source}:{number}", Note("windows_lines"))
        check_encoding(line, Place(source, number))
        if line := line.rstrip(b"\r\n"):
            yield number, line


def numbered(path: Path, source: str) -> Iterator[tuple[int, bytes]]:
    try:
        with open_bytes(path) as file:
            yield from enumerate(file, start=1)
    except (EOFError, OSError, zlib.error) as error:
        raise corrupt(source, error) from error


def ended(path: Path, source: str) -> bool:
    """Whether the last line of a file has an end."""
    last = deque((line for _, line in numbered(path, source)), maxlen=1)
    return not last or last[0].endswith((b"\n", b"\r"))


def check_encoding(text: bytes, place: Place) -> None:
    """Raise StopReadingError unless `text` is UTF-8."""
    if text.isascii():
        return
    if text.startswith(UTF_16):
        raise StopReadingError("wrong_encoding", str(place), "it is UTF-16")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        # A file may be cut inside a character: then it is not the encoding that is wrong.
        if error.reason == "unexpected end of data":
            raise StopReadingError(
                "cut_line", str(place), "it ends in the middle of a character"
            ) from error
        raise StopReadingError(
            "wrong_encoding",
            str(place),
            f"byte {error.start + 1} of the line (0x{text[error.start]:02x}) is not UTF-8",
        ) from error


def corrupt(source: str, error: Exception) -> StopReadingError:
    return StopReadingError("corrupt_file", source, f"{error}")
