"""scores.json: a block of scores for each task, whichever version of the file it is.

    {"version": 3, "model_digest": …, "tasks": {name: block}}

A block is what `components.scoring.scores.score` returns, with the champion beside it. Version 1
had no version and no tasks: the file was the block of the one task, ner. Up to version 2 the words
of `tokenisation` were others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import DataError
from components.files import read_json

VERSION = 3
TOKENISATION = {"lost": "unalignable", "share": "fraction"}  # up to version 2 -> since then

Blocks = dict[str, dict[str, Any]]


def read_scores(path: Path) -> Blocks:
    """The blocks of a scores file by task.

    Raises:
        DataError: it is something else, or of a newer version.
    """
    try:
        return blocks_of(read_json(path))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a scores file with 'tasks' ({error!r}); run the evaluate stage again."
        ) from error


def model_digest_in(path: Path) -> str:
    """The digest of the model that was scored; '' where an older file does not say."""
    read_scores(path)
    return str(read_json(path).get("model_digest", ""))


def blocks_of(document: dict[str, Any]) -> Blocks:
    """The blocks of a scores document by task.

    Raises:
        KeyError: it is something else.
        ValueError: it is of a newer version.
    """
    version = document.get("version", 1)
    if version > VERSION:
        raise ValueError(f"version {version} is newer than this program")
    if version == 1:
        asked = {key: document[key] for key in ("overall", "labels")}
        document = {"tasks": {"ner": {"task": "ner", "unit": "entities", **document, **asked}}}
    blocks: Blocks = document["tasks"]
    return blocks if version == VERSION else {name: renamed(blocks[name]) for name in blocks}


def renamed(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block of an older version with the words of today."""
    if "tokenisation" not in block:
        return dict(block)
    tokenisation = {TOKENISATION.get(key, key): n for key, n in block["tokenisation"].items()}
    return {**block, "tokenisation": tokenisation}


def rows_of(blocks: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows of a table of scores: each label, then "overall"; of several tasks, "topic: tax"."""
    several = len(blocks) > 1
    return {
        f"{task}: {label}" if several else label: row
        for task, block in blocks.items()
        for label, row in {**block["labels"], "overall": block["overall"]}.items()
    }
