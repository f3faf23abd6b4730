"""JSON and text files of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from components.errors import DataError
from components.files import read_json, sha256, write_json
from components.html.markdown import escape


@pytest.mark.parametrize("value", [{"Straße": [1, None]}, {"name": "\udce9.jsonl"}])
def test_what_is_written_is_read_again(tmp_path: Path, value: object) -> None:
    path = tmp_path / "a" / "b.json"
    write_json(path, value)
    assert read_json(path) == value
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_json_has_no_word_for_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "b.json", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", float("nan"))
    assert read_json(tmp_path / "b.json") == 1


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff"])
def test_a_damaged_file_is_one_message(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "b.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"b\.json: cannot be read as JSON"):
        read_json(path)


def test_no_mark_of_a_text_is_one_of_markdown() -> None:
    assert escape("a_b | <i>\n# [c](d)") == r"a\_b &#124; &#60;i&#62; \# \[c\](d)"
