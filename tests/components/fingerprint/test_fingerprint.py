"""The digest changes with what changes the result, and with nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from components.errors import ConfigError
from components.records.sources import Source, content_digest, identity, list_files


def fingerprint(folder: Path, sources: Any, context: Any = None) -> dict[str, str]:
    """Run the stage as the pipeline does; return its output parameters."""
    output = folder / "executor.json"
    executor = json.dumps({"outputs": {"outputFile": str(output)}})
    argv = ["--sources", json.dumps(sources), "--context", json.dumps(context or {})]
    assert main(["fingerprint", "--executor-input", executor, *argv]) == 0
    values: dict[str, str] = json.loads(output.read_text(encoding="utf-8"))["parameterValues"]
    return values


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text":"a"}\n', encoding="utf-8")
    return path


def test_digests_are_sha256(tmp_path: Path, export: Path) -> None:
    digests = fingerprint(tmp_path, [{"path": str(export)}])
    assert {*digests} == {"digest", "data_digest"}
    assert all(len(digest) == 64 for digest in digests.values())


def test_bytes_name_and_format_count_and_nothing_else(tmp_path: Path, export: Path) -> None:
    sources = [{"path": str(export)}]
    before = fingerprint(tmp_path, sources)
    os.utime(export, (1, 1))
    assert fingerprint(tmp_path, sources) == before
    elsewhere = tmp_path / "deep" / "a.jsonl"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(export.read_bytes())
    assert fingerprint(tmp_path, [{"path": str(elsewhere)}]) == before
    named = fingerprint(tmp_path, [{"path": str(export), "format": "prodigy"}])
    assert named["data_digest"] != before["data_digest"]
    renamed = export.rename(tmp_path / "b.jsonl")
    assert fingerprint(tmp_path, [{"path": str(renamed)}])["digest"] != before["digest"]
    renamed.rename(export)
    export.write_bytes(export.read_bytes() + b"\n")
    assert fingerprint(tmp_path, sources)["data_digest"] != before["data_digest"]


def test_context_counts_for_the_digest_alone(tmp_path: Path, export: Path) -> None:
    sources = [{"path": str(export)}]
    one = fingerprint(tmp_path, sources, {"a": 1, "b": {"c": 2}})
    same = fingerprint(tmp_path, sources, {"b": {"c": 2}, "a": 1})
    other = fingerprint(tmp_path, sources, {"a": 1, "b": {"c": 3}})
    assert one == same
    assert one["data_digest"] == other["data_digest"]
    assert one["digest"] != other["digest"]


def test_a_file_that_joins_a_glob_counts(tmp_path: Path, export: Path) -> None:
    sources = [{"path": str(tmp_path / "*.jsonl")}]
    before = fingerprint(tmp_path, sources)
    (tmp_path / "b.jsonl").write_text("", encoding="utf-8")
    assert fingerprint(tmp_path, sources)["digest"] != before["digest"]


def test_relative_paths_start_at_the_working_folder(
    tmp_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = fingerprint(tmp_path, [{"path": str(export)}])
    monkeypatch.chdir(tmp_path)
    assert fingerprint(tmp_path, ["a.jsonl"]) == absolute


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ("not json", "--sources"),
        ('[{"path": ""}]', "--sources"),
        ('[{"path": "a", "format": "xls"}]', "--sources"),
        ('[{"path": "a", "extra": 1}]', "--sources"),
        ("[]", "no annotations"),
        ('["missing.jsonl"]', "missing.jsonl: no such file"),
        ('["missing*.jsonl"]', "no such file"),
        ('["nosuchscheme://a/b"]', "nosuchscheme"),
    ],
)
def test_wrong_sources(sources: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fingerprint", "--sources", sources]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize("context", ["{", "[]"])
def test_wrong_context(context: str, export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["fingerprint", "--sources", json.dumps([str(export)]), "--context", context]
    assert main(argv) == 2
    assert "--context" in capsys.readouterr().err


def test_a_file_that_goes_while_it_is_read(export: Path) -> None:
    (file,) = list_files([Source(path=str(export))])
    export.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        identity(file)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        list_files([Source(path=str(tmp_path))])


def test_a_name_with_glob_characters_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "export [final].jsonl"
    path.write_text("x", encoding="utf-8")
    (file,) = list_files([Source(path=str(path))])
    assert content_digest([file], [identity(file)])
