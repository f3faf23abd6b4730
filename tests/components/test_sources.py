"""Naming sources: what is a file and what is not, here and in a bucket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import fsspec
import pytest

from components.errors import ConfigError
from components.records.sources import Source, SourceFile, copy_files, list_files


def names(path: str) -> list[str]:
    return [file.name for file in list_files([Source(path=path)])]


def test_what_is_no_file_is_refused_by_its_kind(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.jsonl"))
    for name, kind in (("pipe", "a pipe"), ("socket", "a socket"), ("folder", "is a folder")):
        with pytest.raises(ConfigError, match=f"{name}.jsonl: .*{kind}"):
            list_files([Source(path=str(tmp_path / f"{name}.jsonl"))])
    with pytest.raises(ConfigError, match="/dev/zero: is no file but a device"):
        list_files([Source(path="/dev/zero")])
    with pytest.raises(ConfigError, match="a pipe"):
        list_files([Source(path=str(tmp_path / "p*.jsonl"))])


@pytest.mark.parametrize("name", ["a\0b.jsonl", "a" * 5000])
def test_a_name_that_no_file_can_have_is_one_message(name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read|no such file"):
        list_files([Source(path=name)])


def test_a_name_that_looks_like_a_pattern_is_itself_first_wherever_it_is(tmp_path: Path) -> None:
    for name in ("br[1].jsonl", "br1.jsonl", "star*.jsonl", "other.jsonl"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
        with fsspec.open(f"memory://bucket/{name}", "w") as file:
            file.write("{}")
    (tmp_path / "y[1]").mkdir()
    (tmp_path / "y[1]/in.jsonl").write_text("{}", encoding="utf-8")
    with fsspec.open("memory://bucket/y[1]/in.jsonl", "w") as file:
        file.write("{}")
    for folder in (str(tmp_path), "memory://bucket"):
        with pytest.raises(ConfigError, match=r"is a folder"):
            names(f"{folder}/y[1]")
        assert names(f"{folder}/br[1].jsonl") == ["br[1].jsonl"]
        assert names(f"{folder}/star*.jsonl") == ["star*.jsonl"]
        assert names(f"{folder}/b*.jsonl") == ["br1.jsonl", "br[1].jsonl"]
        assert names(f"{folder}/[o]ther.jsonl") == ["other.jsonl"]
        with pytest.raises(ConfigError, match=r"is a folder. Name its files, e.g. .*/\*.jsonl"):
            names(f"{folder}/")


def test_the_message_on_a_missing_object_says_nothing_of_relative_paths() -> None:
    with pytest.raises(ConfigError, match="no such file") as refused:
        names("memory://bucket/nothing.jsonl")
    assert "elative" not in str(refused.value)


def test_a_file_that_a_disk_does_not_give_back_is_one_message(tmp_path: Path) -> None:
    """As this one, whose first byte is an error."""
    with pytest.raises(ConfigError, match="cannot be read: Input/output error"):
        copy_files([SourceFile("/proc/self/mem", "auto")], tmp_path)
