"""The texts that annotators have seen, and those of them that test a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from components.errors import DataError
from components.ingest.readers.detect import read
from components.ingest.settings import IngestSettings
from components.records.annotation import Annotation
from components.records.keys import key_of, normalised
from components.records.problems import Problems, StopReadingError
from components.records.record import composed
from components.records.sources import Source, copy_files, list_files
from components.registry.assignment import Stored


@dataclass
class Known:
    """What has been annotated, whatever was answered.

    Attributes:
        texts: normalised; no text is there twice.
        test: those of them that were in the test set of the model in production, or that are said
            to be in one.
        labels: label -> annotated texts that have it.
        groups: values of the key by which texts stay together, of dev and test: a text that joined
            one of these would come into dev or test, or draw it into train.
    """

    texts: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    groups: set[str] = field(default_factory=set)


def known(
    sources: Sequence[Source], settings: IngestSettings, stored: Stored | None, group_by: str
) -> Known:
    """Read annotations of any format.

    Args:
        stored: which text was in which split; None where nobody knows.
        group_by: key of meta, such as "meta.page"; "" for none.

    Raises:
        ConfigError: a file cannot be read.
        DataError: a file cannot be read to its end.
    """
    splits = {"test": stored.test, "dev": stored.dev} if stored else {}
    keys = {split: {int(key, 16) for key in given} for split, given in splits.items()}
    found, seen = Known(), set[str]()
    for annotation, split in read_all(sources, settings):
        text = normalised(annotation.text)
        key = key_of(text, b"text")
        said = (split,) if split else annotation.tags
        held = {s for s in ("test", "dev") if s in said or key in keys.get(s, ())}
        if text not in seen:
            seen.add(text)
            found.texts.append(text)
            if "test" in held:
                found.test.append(text)
        if held and (group := group_of(annotation.meta, group_by)):
            found.groups.add(group)
        found.labels.update(labels_of(annotation, settings))
    return found


def read_all(
    sources: Sequence[Source], settings: IngestSettings
) -> Iterator[tuple[Annotation, str]]:
    """What the sources of a phase hold, rejected and ignored answers too, with their splits.

    The split is "" where the source names none.
    """
    with TemporaryDirectory() as folder:
        for copy in copy_files(list_files(sources), Path(folder)):
            try:
                for item in read(copy.path, copy.file.name, copy.file, Problems(), settings):
                    if isinstance(item, Annotation):
                        yield item, copy.file.split
            except StopReadingError as error:
                raise DataError(str(error)) from None


def labels_of(annotation: Annotation, settings: IngestSettings) -> set[str]:
    """The labels that annotators gave a text, under the names that the phase has for them."""
    if annotation.answer not in ("accept", None):
        return set()
    spans = [*annotation.spans, *(one for group in annotation.groups.values() for one in group)]
    given = {span.label for span in spans if span.label and span.answer != "reject"}
    asked = [*annotation.choices, *(c for each in annotation.region_choices.values() for c in each)]
    given |= {label for choice in asked for label in choice.accepted}
    return {settings.select.rename.get(label, label) for label in map(composed, given)}


def group_of(meta: object, group_by: str) -> str:
    """The value of the key by which texts stay together, as JSON; "" without one."""
    value = meta
    for key in group_by.split(".")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    if not group_by or value is None or value == "":
        return ""
    return msgspec.json.encode(value, order="deterministic").decode()
