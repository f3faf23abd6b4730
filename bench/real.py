"""The real annotations beside the project, where they lie: as records, and as labels and pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from bench.documents import Labelled
from components.ingest.collect import Collector
from components.ingest.settings import IngestSettings
from components.records.record import Record
from components.records.sources import Copy, SourceFile
from components.tasks import task_of
from components.tasks.base import TaskSettings

DATA = Path(__file__).parents[2] / "shared" / "data"
EXPORTS = {
    "prodigy_fashion_brands": ("train", "test"),
    "re3d": ("train", "dev", "test"),
    "wnut17": ("train", "dev", "test"),
}


def exports() -> list[Path]:
    """The files that are there; none in a clone alone."""
    paths = [DATA / name / f"{split}.jsonl" for name, splits in EXPORTS.items() for split in splits]
    return [path for path in paths if path.exists()]


def records() -> list[Record]:
    """What ingest makes of them."""
    paths = exports()
    collector = Collector(
        [task_of(TaskSettings(name="ner", labels=labels(paths)))], IngestSettings()
    )
    collector.read([Copy(SourceFile(str(path), "prodigy"), path, "") for path in paths])
    return list(collector.finish())


def labels(paths: list[Path]) -> list[str]:
    """All labels in some exports."""
    return sorted({label for path in paths for label in labels_of(path)})


def labels_of(path: Path) -> Iterator[str]:
    for line in path.read_bytes().splitlines():
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        yield from (span["label"] for span in row.get("spans") or () if "label" in span)


def labelled() -> Labelled:
    """Labels and pages of the records, in an order of pages that makes half of them a fair half."""
    given = records()
    names = sorted({span.label for record in given for span in record.answers["ner"].spans})
    place = {name: at for at, name in enumerate(names)}
    has = np.zeros((len(given), len(names)), bool)
    for row, record in enumerate(given):
        has[row, [place[span.label] for span in record.answers["ner"].spans]] = True
    # Only re3d is made of pages: its paragraphs name their document.
    names_of_pages = [record.meta.get("doc", record.id) for record in given]
    pages = np.unique(names_of_pages, return_inverse=True)[1]
    order = np.argsort(np.random.default_rng(0).permutation(pages.max() + 1)[pages], kind="stable")
    return Labelled(has[order], pages[order])
