"""Digests by content."""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.local.runner.digests import content_digest


def test_a_digest_follows_content_and_names_only(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "sub").mkdir(parents=True)
        (folder / "sub/file").write_text("text", encoding="utf-8")
    os.utime(two / "sub/file", (1, 1))
    assert content_digest(one) == content_digest(two)
    (two / "sub/file").rename(two / "file")
    assert content_digest(one) != content_digest(two)


def test_kinds_differ(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "filled/empty").mkdir(parents=True)
    names = ("folder", "file", "filled", "missing")
    assert len({content_digest(tmp_path / name) for name in names}) == 4


def test_a_link_counts_as_what_it_points_at(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("a", encoding="utf-8")
    (tmp_path / "link").symlink_to("folder")
    assert content_digest(tmp_path / "link") == content_digest(tmp_path / "folder")
    before = content_digest(tmp_path / "link")
    (tmp_path / "folder/file").write_text("b", encoding="utf-8")
    assert content_digest(tmp_path / "link") != before
