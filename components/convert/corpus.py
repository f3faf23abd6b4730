"""A corpus: the shards of one split, and the manifest that says what they must be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from components.convert.counts import Counts
from components.convert.shards import Shard
from components.files import write_json

VERSION = 1


def write_manifest(folder: Path, shards: Iterable[Shard], counts: Counts) -> None:
    """Write manifest.json: `train` refuses a folder whose files are not these."""
    manifest = {
        "version": VERSION,
        "shards": [
            {
                "file": shard.file,
                "sha256": shard.sha256,
                "bytes": shard.size,
                "documents": shard.counts.documents,
            }
            for shard in shards
            if shard.counts.records
        ],
        "documents": counts.documents,
        "words": counts.words,
        "labels": dict(sorted(counts.entities.items())),
    }
    write_json(folder / "manifest.json", manifest)


def summary(counts: Counts) -> dict[str, Any]:
    """The part of convert_report.json on one split."""
    return {
        "records": counts.records,
        "documents": counts.documents,
        "windowed": counts.windowed,
        "words": counts.words,
        "incomplete": counts.incomplete,
        "rejected_spans": counts.rejected,
        "tokens": {
            "retokenised": counts.retokenised,
            "disagreeing": counts.disagreeing,
            "split": counts.split,
        },
        "labels": {
            label: {"entities": entities, "misaligned": counts.misaligned[label]}
            for label, entities in sorted(counts.entities.items())
        },
        "misaligned": counts.misaligned.total(),
        "misaligned_examples": [
            {"source": source, "label": label, "text": text}
            for source, label, text in counts.examples
        ],
    }


def in_words(split: str, part: dict[str, Any]) -> str:
    """The part of the report on one split as a line of the log."""
    entities = sum(label["entities"] for label in part["labels"].values())
    return (
        f"{split}: {part['documents']:,} documents, {part['words']:,} words, "
        f"{entities:,} entities, of which the training tokeniser cannot delimit "
        f"{part['misaligned']:,}."
    )
