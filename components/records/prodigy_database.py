"""Datasets of Prodigy, read from its SQLite database without Prodigy.

    prodigy:news                       a dataset of the database that Prodigy is configured to use
    prodigy:exports/prodigy.db#news    a dataset of a database in a file

What is read is what `prodigy db-out` writes: JSON Lines, in the order in which they were saved. The
tables are those that prodi.gy/docs/api-database names: a row of `link` says that an `example` is in
a `dataset`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from components.errors import ConfigError

SCHEME = "prodigy:"
TABLES = {
    "dataset": {"id", "name"},
    "example": {"id", "content"},
    "link": {"id", "example_id", "dataset_id"},
}
ROWS = (
    "SELECT example.content FROM link JOIN example ON example.id = link.example_id "
    "WHERE link.dataset_id = ? ORDER BY link.id"
)
EXPORT = "Or give what `prodigy db-out` writes."


def is_dataset(path: str) -> bool:
    """Whether a source names a dataset of Prodigy."""
    return path.startswith(SCHEME)


def file_name(path: str) -> str:
    """The name of the file that a dataset becomes, as `prodigy db-out` calls it."""
    return f"{parts_of(path)[1]}.jsonl"


def parts_of(path: str) -> tuple[str, str]:
    """The file of the database, '' for the configured one, and the name of the dataset."""
    database, _, dataset = path.removeprefix(SCHEME).rpartition("#")
    return database, dataset


def lines(path: str) -> Iterator[bytes]:
    """Yield the examples of a dataset as lines of JSON, all as they were at one moment.

    Raises:
        ConfigError: there is no such database or dataset, or it can't be read.
    """
    named, dataset = parts_of(path)
    file = Path(named) if named else configured()
    if not file.is_file():
        whence = "" if named else ", where Prodigy is configured to keep its annotations"
        raise ConfigError(
            f"{path}: there is no database {file}{whence}. Set PRODIGY_HOME, or name the file: "
            f"{SCHEME}FILE#{dataset}."
        )
    try:
        # Read-only: SQLite would make a database that is not there, and Prodigy may be writing.
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            yield from examples(database, path, file, dataset)
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: {file} can't be read as SQLite: {error}. {EXPORT}") from error


def examples(database: sqlite3.Connection, path: str, file: Path, dataset: str) -> Iterator[bytes]:
    """Yield the examples of a dataset; raises as `lines` does."""
    database.execute("BEGIN")
    for table, needed in TABLES.items():
        columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        if missing := sorted(needed - columns):
            lacks = f"has no column {missing[0]}" if columns else "is not there"
            raise ConfigError(
                f"{path}: {file} is no database of Prodigy that is known here: its table {table} "
                f"{lacks}. {EXPORT}"
            )
    known = dict(database.execute("SELECT name, id FROM dataset ORDER BY name"))
    if dataset not in known:
        raise ConfigError(
            f"{path}: {file} has no dataset {dataset!r}; it has {', '.join(known) or 'none'}."
        )
    for (content,) in database.execute(ROWS, [known[dataset]]):
        line = content.encode() if isinstance(content, str) else bytes(content)
        # A line break between two keys is no end of a record.
        yield line.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def configured() -> Path:
    """The SQLite database that Prodigy uses on this machine, as its prodigy.json files say.

    That in the working directory goes before the one of PRODIGY_HOME, key by key.

    Raises:
        ConfigError: it is configured to use something else, or one of the files can't be read.
    """
    home = Path(os.environ.get("PRODIGY_HOME") or "~/.prodigy").expanduser()
    settings: dict[str, Any] = {}
    for file in (home / "prodigy.json", Path("prodigy.json")):
        settings |= settings_in(file)
    kind = settings.get("db", "sqlite")
    if kind != "sqlite":
        raise ConfigError(
            f"Prodigy is configured to keep its annotations in {kind!r}, and only SQLite is read "
            "here: give what `prodigy db-out` writes."
        )
    of_kinds = settings.get("db_settings")
    of_sqlite = of_kinds.get("sqlite") if isinstance(of_kinds, dict) else None
    chosen = of_sqlite if isinstance(of_sqlite, dict) else {}
    folder = Path(str(chosen.get("path") or home)).expanduser()
    return folder / str(chosen.get("name") or "prodigy.db")


def settings_in(file: Path) -> dict[str, Any]:
    """What a prodigy.json says; nothing where there is none.

    Raises:
        ConfigError: it can't be read as a JSON object.
    """
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: can't be read as Prodigy's settings: {error}.") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file}: can't be read as Prodigy's settings: expected a JSON object.")
    return settings
