"""First pass over the records: the few numbers of each that decide its split."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.records.keys import NO_KEY, key_of, normalised
from components.records.languages import LANG
from components.split.splits import SPLITS, UNDECIDED

Shape = TypeVar("Shape")


class Labelled(msgspec.Struct, gc=False):
    """The part of a span that matters here."""

    label: str


class LabelledAnswers(msgspec.Struct, gc=False):
    """The part of `components.records.record.Answers` that matters here."""

    spans: list[Labelled] = []
    cats: dict[str, bool] = {}


class Document(msgspec.Struct):
    """The parts of a record that decide its split; the decoder skips the rest."""

    text: str
    answers: dict[str, LabelledAnswers]
    meta: dict[str, Any] = {}
    split: str = ""

    @property
    def language(self) -> str:
        """What its meta says of its language; "" if nothing."""
        language = self.meta.get(LANG)
        return language if isinstance(language, str) else ""

    def labels(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """What the document is stratified by: its distinct labels, sorted.

        Those of several tasks carry the names of theirs.
        """
        if len(tasks) == 1:
            said = self.answers.get(tasks[0])
            return tuple(sorted(labels_of(said))) if said else ()
        return tuple(
            sorted(
                f"{name}: {label}"
                for name in tasks
                if name in self.answers
                for label in labels_of(self.answers[name])
            )
        )


def labels_of(said: LabelledAnswers) -> set[str]:
    """The labels that a document has for a task, whatever the task's kind."""
    labels = {span.label for span in said.spans}
    return labels | {name for name, there in said.cats.items() if there} if said.cats else labels


@dataclass(frozen=True)
class Features:
    """One entry per record, in the order of the file.

    Attributes:
        offsets: byte where its line starts; one more entry for the end of the file.
        text_keys: hash of its normalised text.
        group_keys: hash of its `group_by` value; NO_KEY without one.
        label_sets: index into `sets`.
        tags: the split that the annotations ask for, or UNDECIDED.
        sets: the distinct sets of labels, which a language is, too, where there are several.
    """

    offsets: NDArray[np.int64]
    text_keys: NDArray[np.uint64]
    group_keys: NDArray[np.uint64]
    label_sets: NDArray[np.int32]
    tags: NDArray[np.int8]
    sets: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.text_keys)


def read_features(path: Path, tasks: Sequence[str], group_by: str) -> Features:
    """Read a file of records once; the texts are not kept.

    Args:
        tasks: names of the tasks whose labels count.

    Raises:
        DataError: a line is not a record, or names a split that does not exist.
    """
    keys = group_by.split(".")[1:]
    codes = {"": UNDECIDED} | {split: code for code, split in enumerate(SPLITS)}
    offsets, text_keys, group_keys = array("q", [0]), array("Q"), array("Q")
    label_sets, tags = array("i"), array("b")
    sets: dict[tuple[str, tuple[str, ...]], int] = {}
    for number, (line, document) in enumerate(read_as(path, Document), start=1):
        if document.split not in codes:
            raise DataError(
                f"{path}:{number}: split is {document.split!r}; "
                f"it must be one of {', '.join(SPLITS)}"
            )
        offsets.append(offsets[-1] + len(line))
        text_keys.append(key_of(normalised(document.text), b"text"))
        group_keys.append(group_key(document.meta, keys))
        key = (document.language, document.labels(tasks))
        label_sets.append(sets.setdefault(key, len(sets)))
        tags.append(codes[document.split])
    return Features(
        np.array(offsets, np.int64),
        np.array(text_keys, np.uint64),
        np.array(group_keys, np.uint64),
        np.array(label_sets, np.int32),
        np.array(tags, np.int8),
        with_languages(list(sets)),
    )


def with_languages(sets: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """Sets of labels, each with its language as one more, where there are several languages."""
    if len({language for language, _ in sets}) == 1:
        return [labels for _, labels in sets]
    return [
        tuple(sorted((*labels, f"meta.{LANG}: {language}"))) if language else labels
        for language, labels in sets
    ]


def read_as(path: Path, shape: type[Shape]) -> Iterator[tuple[bytes, Shape]]:
    """Yield each line with what `shape` sees in it.

    Raises:
        DataError: a line does not have the shape.
    """
    decode = msgspec.json.Decoder(shape).decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield line, decode(line)
            except msgspec.DecodeError as error:
                raise DataError(
                    f"{path}:{number}: not an annotation record: {error}. "
                    "Give the file that `ingest` wrote."
                ) from error


def group_key(meta: dict[str, Any], keys: list[str]) -> int:
    """Hash of the value under a path of keys; NO_KEY when it is missing, null or empty."""
    value: Any = meta
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not keys or value is None or value == "":
        return NO_KEY
    return key_of(msgspec.json.encode(value, order="deterministic").decode(), b"group")
