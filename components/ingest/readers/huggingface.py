"""Rows of Hugging Face datasets: words and tags, or a text and its class.

Either by name, or by number where a features file names them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from components.ingest.readers import json_items
from components.ingest.readers.classes import of_value
from components.ingest.readers.exports import (
    Extracted,
    Record,
    key_of,
    reader_from,
    rest,
    string,
)
from components.ingest.readers.recognise import CLASSES, TEXTS
from components.records.annotation import Item
from components.records.problems import Problems, QuarantineError, StopReadingError
from components.records.sources import SourceFile, companion

KEYS = ("ner_tags", "tags", "ner")  # of the tags


def read_huggingface(
    path: Path, source: str, problems: Problems, file: SourceFile
) -> Iterator[Item]:
    """One record per row."""
    features = read_features(path, source, file) if file.features else None
    extract = partial(huggingface, features=features)
    yield from json_items.reader(reader_from(extract))(path, source, problems, file)


def huggingface(record: Record, file: SourceFile, features: Any) -> Iterator[Extracted | str]:
    """Words and tags of a row, or a text and its class."""
    if "tokens" not in record:
        yield of_row(record, file, features)
        return
    key = key_of(record, *KEYS)
    tags = record[key]
    if any(isinstance(tag, int) for tag in tags):
        tags = named(tags, key, features)
    words = [string(word) for word in record["tokens"]]
    if len(words) != len(tags) or not words:
        raise QuarantineError("wrong_shape", f"{len(words)} tokens and {len(tags)} {key}")
    kept = [(word, string(tag)) for word, tag in zip(words, tags, strict=True) if word.strip()]
    yield Extracted(
        words=[word for word, _ in kept],
        tags=[tag for _, tag in kept],
        meta=rest(record, "tokens", key, "pos_tags", "chunk_tags"),
    )


def of_row(record: Record, file: SourceFile, features: Any) -> Extracted | str:
    """A text and its class, or a list of its classes; without one it says nothing."""
    text = file.text or key_of(record, *TEXTS)
    label = file.label or key_of(record, *CLASSES)
    value = record.get(label)
    if value is None or value in ("", []):
        return "record without an annotation"
    if features is not None:
        values = value if isinstance(value, list) else [value]
        value = named(values, label, features) if type(values[0]) is int else values
    return Extracted(
        record[text],
        choices=[of_value(value)],
        about_spans=False,
        meta=rest(record, text, label, *CLASSES),
        # What a model suggests is no annotation until somebody answers.
        answer=None if is_suggestion(record) else "accept",
    )


def is_suggestion(record: Record) -> bool:
    """Whether a row has a model's score, and no answer."""
    meta = record.get("meta")
    return "score" in record or (isinstance(meta, dict) and "score" in meta)


def named(tags: Sequence[Any], key: str, features: Any) -> list[str]:
    """Tags by their names.

    Raises:
        QuarantineError: nothing says what their numbers stand for.
    """
    names = names_of(features, key) if features is not None else None
    if names is None:
        no_file = "write their names, or say `features: dataset_info.json` next to the path"
        what = "the features file does not name them" if features is not None else no_file
        raise QuarantineError(
            "wrong_shape", f"{key} are numbers, and nothing says which tags they stand for: {what}"
        )
    for tag in tags:
        if not isinstance(tag, int) or isinstance(tag, bool) or not 0 <= tag < len(names):
            raise QuarantineError(
                "wrong_shape", f"{key}: {json.dumps(tag)[:40]} is none of {len(names)} tags"
            )
    return [names[tag] for tag in tags]


def read_features(path: Path, source: str, file: SourceFile) -> Any:
    """What a features file holds.

    Raises:
        StopReadingError: it can't be read.
    """
    features = companion(path, file.features) or Path(file.features)
    try:
        return json.loads(features.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        detail = f"its features file {file.features} can't be read: {error}"
        raise StopReadingError("corrupt_file", source, detail) from error


def names_of(value: Any, key: str) -> list[str] | None:
    """The names of the tags under a key, in the order of their numbers; None where none are.

    `dataset_info.json` and `dataset_infos.json` of a dataset are read, `config.json` of a model
    (`id2label`), and a plain list of the names.
    """
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return value
    if isinstance(value, dict) and isinstance(ids := value.get("id2label"), dict):
        names = [ids.get(str(number)) for number in range(len(ids))]
        return names_of(names, key)
    different = {tuple(names) for names in class_labels(value, key, under=False)}
    return list(different.pop()) if len(different) == 1 else None


def class_labels(value: Any, key: str, *, under: bool) -> Iterator[list[str]]:
    """The `names` of all class labels that stand under a key."""
    if isinstance(value, list):
        for one in value:
            yield from class_labels(one, key, under=under)
    elif isinstance(value, dict):
        names = value.get("names")
        if under and isinstance(names, list) and all(isinstance(name, str) for name in names):
            yield names
        for name, one in value.items():
            yield from class_labels(one, key, under=under or name == key)
