"""Files of texts that nobody has annotated, proven to be readable before one is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from components.errors import ConfigError, DataError
from components.records.sources import (
    SourceFile,
    content_digest,
    identity,
    local_paths,
    remote_paths,
)
from components.records.texts import Text, read_texts

MOST_TEXTS = 4096  # read at once, among which batches of like length are formed
MOST_CHARACTERS = 500_000


@dataclass(frozen=True)
class Texts:
    """Files of texts that were read once, to the end.

    Attributes:
        files: paths and addresses, in the order in which they are read.
        key: key or column of the text; "": what is usual.
        identities: what tells the bytes of each file from any others.
        count, characters: of all texts.
    """

    files: tuple[str, ...]
    key: str
    identities: tuple[str, ...]
    count: int
    characters: int

    def behind(self, done: int) -> Iterator[list[Text]]:
        """The texts behind the first `done`, in pieces that fit into memory.

        Where a piece ends depends on the texts before it alone, so that it does not matter whether
        they were read by this process.
        """
        every = chain.from_iterable(read_texts(file, self.key) for file in self.files)
        piece: list[Text] = []
        characters = 0
        for text in islice(every, done, None):
            piece.append(text)
            characters += len(text.text)
            if len(piece) == MOST_TEXTS or characters >= MOST_CHARACTERS:
                yield piece
                piece, characters = [], 0
        if piece:
            yield piece


def proven(patterns: Sequence[str], key: str, longest: int) -> Texts:
    """Read files of texts once.

    Args:
        patterns: paths, globs and addresses.
        longest: characters that a model takes at once.

    Raises:
        ConfigError: there is no such file.
        DataError: a row holds no text, or one that is too long; with its line.
    """
    files = tuple(dict.fromkeys(path for pattern in patterns for path in files_of(pattern)))
    count = characters = 0
    for file in files:
        for text in read_texts(file, key):
            if len(text.text) > longest:
                raise DataError(
                    f"{text.place}: a text of {len(text.text):,} characters, and a model takes "
                    f"{longest:,}. Cut it into parts."
                )
            count += 1
            characters += len(text.text)
    if not count:
        raise DataError(f"{', '.join(files)}: no texts.")
    identities = tuple(identity(SourceFile(file, "auto")) for file in files)
    return Texts(files, key, identities, count, characters)


def files_of(pattern: str) -> list[str]:
    """The files that a path, a glob or an address stands for, sorted.

    Raises:
        ConfigError: there is none.
    """
    found = remote_paths(pattern) if "://" in pattern else local_paths(pattern)
    if not found:
        raise ConfigError(f"{pattern}: no such file.")
    return found


def content_of(files: Sequence[str]) -> str:
    """One digest of files of texts: SHA-256, as hex, over their names and bytes."""
    listed = [SourceFile(file, "auto") for file in files]
    return content_digest(listed, [identity(file) for file in listed])


def check_content(files: Sequence[str], expected: str) -> None:
    """Compare files of texts with what they were; '' is not compared.

    Raises:
        DataError: they are others now.
    """
    if expected and content_of(files) != expected:
        raise DataError(
            f"{', '.join(files)}: changed since `ingest` looked at them. Run again; let files of "
            "texts stay as they are while a run reads them."
        )
