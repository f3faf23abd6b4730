"""Databases in Prodigy's schema, made without Prodigy."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE dataset (id INTEGER PRIMARY KEY, name VARCHAR(255) NOT NULL UNIQUE,
    created INTEGER NOT NULL, meta BLOB NOT NULL, session INTEGER NOT NULL);
CREATE TABLE example (id INTEGER PRIMARY KEY, input_hash BIGINT NOT NULL,
    task_hash BIGINT NOT NULL, content BLOB NOT NULL);
CREATE TABLE link (id INTEGER PRIMARY KEY, example_id INTEGER NOT NULL,
    dataset_id INTEGER NOT NULL);
"""


def write_database(file: Path, datasets: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write datasets with their examples; one in several is stored once, as Prodigy does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    ids: dict[str, int] = {}
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(SCHEMA)
        for number, (name, rows) in enumerate(datasets.items(), start=1):
            database.execute("INSERT INTO dataset VALUES (?, ?, 1, X'7b7d', 0)", [number, name])
            for row in rows:
                content = json.dumps(row)
                if content not in ids:
                    ids[content] = len(ids) + 1
                    values = [ids[content], 1, 1, content.encode()]
                    database.execute("INSERT INTO example VALUES (?, ?, ?, ?)", values)
                database.execute(
                    "INSERT INTO link (example_id, dataset_id) VALUES (?, ?)",
                    [ids[content], number],
                )
