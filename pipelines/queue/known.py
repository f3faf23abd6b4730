"""The texts that annotators have seen, read from a phase's annotations as they stand now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from components.errors import DataError
from components.ingest.readers.detect import read
from components.ingest.settings import IngestSettings
from components.queue.known import Known
from components.records.annotation import Annotation
from components.records.problems import Problems, StopReadingError
from components.records.record import composed
from components.records.sources import Source, copy_files, list_files
from components.registry.assignment import Stored
from components.tasks.base import Task


def known(
    sources: Sequence[Source],
    settings: IngestSettings,
    tasks: Sequence[Task],
    stored: Stored | None,
    group_by: str,
) -> Known:
    """Read annotations of any format.

    Args:
        tasks: those of the phase.
        stored: which text was in which split; None where nobody knows.
        group_by: key of meta, such as "meta.page"; "" for none.

    Raises:
        ConfigError: a file cannot be read.
        DataError: a file cannot be read to its end.
    """
    found = Known(stored, group_by)
    for annotation, split in read_all(sources, settings):
        labels = labels_of(annotation, settings, tasks)
        found.add(annotation.text, annotation.meta, labels, (split,) if split else annotation.tags)
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


def labels_of(annotation: Annotation, settings: IngestSettings, tasks: Iterable[Task]) -> set[str]:
    """The labels that annotators gave a text, under the names that the phase has for them."""
    if annotation.answer not in ("accept", None):
        return set()
    spans = [*annotation.spans, *(one for group in annotation.groups.values() for one in group)]
    given = {span.label for span in spans if span.label and span.answer != "reject"}
    asked = [*annotation.choices, *(c for each in annotation.region_choices.values() for c in each)]
    given |= {label for choice in asked for label in choice.accepted}
    given = given.union(*(task.labels_beside(annotation) for task in tasks))
    return {settings.select.rename.get(label, label) for label in map(composed, given)}
