"""Datasets of a database in Prodigy's schema are read as `prodigy db-out` would write them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from components.errors import ConfigError
from components.records.sources import Source, content_digest, copy_files, identity, list_files
from tests.components.ingest.exports import ENOUGH, Ingested, row
from tests.support.prodigy_database import write_database

ROWS = [row(text, *spans) for text, spans in ENOUGH]
CHOICE = {"text": "Pay your tax", "options": [{"id": "TAX"}], "accept": ["TAX"], "answer": "accept"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of Prodigy with two datasets, which share an example; not the working directory."""
    home = tmp_path / "home"
    write_database(home / "prodigy.db", {"news": ROWS, "half": ROWS[:1], "empty": []})
    monkeypatch.setenv("PRODIGY_HOME", str(home))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return home


def listed(path: str) -> list[str]:
    return [file.name for file in list_files([Source(path=path)])]


def test_a_dataset_is_its_export(
    home: Path, ingest: Callable[..., Ingested], write: Callable[..., str]
) -> None:
    exported = ingest(write(ROWS, "news.jsonl"))
    before = exported.report["digest"], exported.records
    for path in ("prodigy:news", f"prodigy:{home / 'prodigy.db'}#news"):
        read = ingest(path)
        assert (read.code, (read.report["digest"], read.records)) == (0, before)
    copies = [*(read.folder / "snapshot").glob("000/*")]
    assert [copy.name for copy in copies] == ["news.jsonl"]


def test_what_is_added_changes_the_digest_and_what_prodigy_holds_open_is_read(
    home: Path, tmp_path: Path
) -> None:
    file = home / "prodigy.db"
    files = list_files([Source(path="prodigy:half")])
    before = content_digest(files, [identity(file) for file in files])
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        with database:
            database.execute("INSERT INTO link (example_id, dataset_id) VALUES (2, 2)")
        copy = copy_files(files, tmp_path / "snapshot")[0]
        assert len(copy.path.read_bytes().splitlines()) == 2
        after = content_digest(files, [identity(file) for file in files])
    assert copy.identity == identity(files[0])
    assert before != after


def test_settings_say_where_the_database_is(home: Path) -> None:
    write_database(Path("other/mine.db"), {"mine": [CHOICE]})
    settings = {"db_settings": {"sqlite": {"name": "mine.db", "path": "other"}}}
    (home / "prodigy.json").write_text(json.dumps({"db": "postgresql"}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"in 'postgresql', and only SQLite .* db-out"):
        listed("prodigy:mine")
    # That of the working directory goes before.
    Path("prodigy.json").write_text(json.dumps({"db": "sqlite", **settings}), encoding="utf-8")
    assert listed("prodigy:mine") == ["mine.jsonl"]
    Path("prodigy.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"prodigy.json: can't be read as Prodigy's settings"):
        listed("prodigy:mine")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("prodigy:nwes", r"has no dataset 'nwes'; it has empty, half, news\."),
        ("prodigy:gone.db#news", r"there is no database gone.db\. .*prodigy:FILE#news"),
        ("prodigy:text.db#news", r"text.db can't be read as SQLite: file is not a database"),
        ("prodigy:blank.db#news", r"no database of Prodigy .* table dataset is not there"),
        ("prodigy:later.db#news", r"table link has no column dataset_id\. Or give what"),
    ],
)
def test_what_is_no_dataset_is_one_message(home: Path, path: str, said: str) -> None:
    Path("text.db").write_text("no database at all, and long enough" * 40, encoding="utf-8")
    Path("blank.db").touch()
    write_database(Path("later.db"), {"news": ROWS})
    with closing(sqlite3.connect("later.db")) as database, database:
        database.execute("ALTER TABLE link RENAME COLUMN dataset_id TO dataset")
    with pytest.raises(ConfigError, match=said):
        listed(path)
    assert not Path("gone.db").exists()


def test_prodigy_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PRODIGY_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"where Prodigy is configured .* Set PRODIGY_HOME"):
        listed("prodigy:news")
