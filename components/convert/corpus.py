"""A corpus: the shards of one split, and the manifest that says what they must be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from components.convert.counts import Counts, TaskCounts
from components.convert.shards import Shard
from components.digests import digest_of
from components.files import sha256, write_json

VERSION = 2  # 1 had the labels of the one task where `tasks` is


def write_manifest(folder: Path, shards: Iterable[Shard], counts: Counts) -> str:
    """Write manifest.json: `train` refuses a folder whose files are not these.

    Returns:
        the digest of the folder, without reading what was just written: see `components.digests`.
    """
    shards = [shard for shard in shards if shard.counts.records]
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
        ],
        "documents": counts.documents,
        "words": counts.words,
        "tasks": {name: dict(sorted(each.items.items())) for name, each in counts.tasks.items()},
    }
    path = folder / "manifest.json"
    write_json(path, manifest)
    return digest_of({path.name: sha256(path), **{shard.file: shard.sha256 for shard in shards}})


def summary(counts: Counts) -> dict[str, Any]:
    """The part of convert_report.json on one split."""
    return {
        "records": counts.records,
        "silver": counts.silver,
        "documents": counts.documents,
        "windowed": counts.windowed,
        "words": counts.words,
        "tokens": {
            "retokenised": counts.retokenised,
            "disagreeing": counts.disagreeing,
            "split": counts.split,
        },
        "tasks": {name: task_summary(each) for name, each in counts.tasks.items()},
    }


def task_summary(counts: TaskCounts) -> dict[str, Any]:
    """The part of convert_report.json on one task of a split."""
    return {
        "incomplete": counts.incomplete,
        "rejected_spans": counts.rejected,
        "labels": {
            label: {"count": count, "misaligned": counts.misaligned[label]}
            for label, count in sorted(counts.items.items())
        },
        "misaligned": counts.misaligned.total(),
        "languages": {
            language: {"count": count, "misaligned": counts.misaligned_in[language]}
            for language, count in sorted(counts.in_language.items())
        },
        "misaligned_examples": [
            {"source": source, "label": label, "text": text}
            for source, label, text in counts.examples
        ],
    }


def in_words(split: str, part: dict[str, Any], units: dict[str, str]) -> str:
    """The part of the report on one split as a line of the log.

    Args:
        units: task -> what it counts.
    """
    figures = [f"{split}: {part['documents']:,} documents, {part['words']:,} words"]
    if part["silver"]:
        figures.append(f"{part['silver']:,} of its records answered by a model")
    for name, task in part["tasks"].items():
        count = sum(label["count"] for label in task["labels"].values())
        figures.append(f"{count:,} {units[name]}")
        if units[name] != "documents":
            misaligned = task["misaligned"]
            figures[-1] += f", of which the training tokeniser cannot delimit {misaligned:,}"
            each = [
                f"{language or 'no language given'}: {one['misaligned']:,} of {one['count']:,}"
                for language, one in task["languages"].items()
            ]
            figures[-1] += f" ({'; '.join(each)})" if each else ""
    return ", ".join(figures) + "."
