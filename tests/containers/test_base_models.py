"""Base models are fetched by revision and checksum, or taken from a folder."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from containers import base_models

NAME = "org/small"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """A hub with one model at one revision."""
    files = tmp_path / "hub" / "org/small/resolve/abc"
    files.mkdir(parents=True)
    (files / "config.json").write_text("{}", encoding="utf-8")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "hub"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: str, checksum: str, name: str = NAME
) -> int:
    """Run the program with a list that knows the one model."""
    entry = {"repository": NAME, "revision": "abc", "files": {"config.json": checksum}}
    known = tmp_path / "base-models.json"
    known.write_text(json.dumps({NAME: entry}), encoding="utf-8")
    monkeypatch.setattr(base_models, "KNOWN", known)
    given, to = tmp_path / "given", tmp_path / "out"
    given.mkdir(exist_ok=True)
    argv = ["base_models.py", name, f"--given={given}", f"--to={to}", f"--hub={hub}"]
    monkeypatch.setattr("sys.argv", argv)
    return base_models.main()


def test_a_listed_model_is_fetched_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: str
) -> None:
    assert put(tmp_path, monkeypatch, hub, hashlib.sha256(b"{}").hexdigest()) == 0
    assert (tmp_path / "out/org--small/config.json").read_text(encoding="utf-8") == "{}"


def test_another_file_than_the_listed_one_stops_the_build(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert put(tmp_path, monkeypatch, hub, "0" * 64) == 2
    assert "config.json has the SHA-256" in capsys.readouterr().err


def test_a_model_that_nothing_pins_is_not_fetched(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert put(tmp_path, monkeypatch, hub, "", name="org/other") == 2
    assert "does not list org/other" in capsys.readouterr().err


def test_a_given_folder_takes_the_place_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "given" / "org--other"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    assert put(tmp_path, monkeypatch, "http://127.0.0.1:9", "", name="org/other") == 0
    assert (tmp_path / "out/org--other/config.json").is_file()


def test_a_given_folder_is_checked_against_the_list_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given" / "org--small").mkdir(parents=True)
    assert put(tmp_path, monkeypatch, "http://127.0.0.1:9", "0" * 64) == 2
    assert "config.json is missing" in capsys.readouterr().err
