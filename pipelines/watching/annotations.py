"""What annotations there are now: whether anything has changed, and which are new to a task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from components.records import label_studio, prodigy_database
from components.records.record import read_records
from components.records.sources import SourceFile, identity, list_files
from components.registry.examples import key_of
from pipelines.config.ingested import ingested
from pipelines.config.schema import Phase

Keys = Mapping[str, frozenset[str]]  # task -> a key for each text that was annotated for it


@dataclass(frozen=True)
class Annotated:
    """The annotations of a phase, as `components.registry.examples` has keys for them.

    Attributes:
        tasks: of what was said for each task alone: one that another task corrected is not new.
        whole: of all that was said of the texts of each task, as models keep them.
    """

    tasks: Keys
    whole: Keys


def state_of(phase: Phase) -> str:
    """What changes whenever a source may hold something new; nothing is read for it if possible.

    Raises:
        RetrainError: a source is not there, or does not answer.
    """
    states = [[file.path, state_of_file(file)] for file in list_files(phase.annotations)]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()


def state_of_file(file: SourceFile) -> Any:
    if label_studio.is_project(file.path):
        return [*file.project.states().items()]
    if file.remote or prodigy_database.is_dataset(file.path):
        return identity(file)
    there = Path(file.path).stat()
    return [there.st_size, there.st_mtime_ns]


def annotated(phase: Phase, store: Path) -> Annotated:
    """Read the annotations of a phase, as its runs do.

    Args:
        store: where runs keep what they read; what a source remembers is there, too.

    Raises:
        DataError: they are unfit to train on.
        RetrainError: a source can't be read.
    """
    with TemporaryDirectory() as folder:
        result = ingested(phase, Path(folder), store)
    return keys_in(Path(str(result.parameters["annotations_uri"])))


def keys_in(annotations: Path) -> Annotated:
    """The keys of what `ingest` wrote."""
    tasks: dict[str, set[str]] = {}
    whole: dict[str, set[str]] = {}
    for record in read_records(annotations):
        key = key_of(record)
        for name, answers in record.answers.items():
            alone = msgspec.structs.replace(record, answers={name: answers})
            tasks.setdefault(name, set()).add(key_of(alone))
            whole.setdefault(name, set()).add(key)
    return Annotated(frozen(tasks), frozen(whole))


def frozen(keys: Mapping[str, set[str]]) -> Keys:
    return {name: frozenset(some) for name, some in keys.items()}


def new_of(now: Keys, before: Keys) -> dict[str, int]:
    """Task -> how many of its annotations are new or corrected."""
    return {name: len(keys - before.get(name, frozenset())) for name, keys in now.items()}
