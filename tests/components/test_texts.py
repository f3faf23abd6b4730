"""Texts to predict: every kind of file, and what is wrong with one is said with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from components.errors import ConfigError, DataError
from components.records import texts
from components.records.texts import Text, read_texts


def read(tmp_path: Path, name: str, content: bytes, key: str = "") -> list[Text]:
    path = tmp_path / name
    path.write_bytes(content)
    return [*read_texts(str(path), key)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"one\n\n  \ntwo\r\n"),
        ("a.jsonl", b'\xef\xbb\xbf{"text": "one"}\n\n"two"\n'),
        ("a.ndjson", b'{"sentence": "one"}\n{"data": {"text": "two"}}'),
        ("a.csv", b"id,Text\n1,one\n2,two\n"),
        ("a.tsv", b"Text\tid\none\t1\ntwo\t2\n"),
        ("A.CSV", b"text;id\none;1\ntwo;2\n"),
    ],
)
def test_every_kind_packed_or_not(tmp_path: Path, name: str, content: bytes) -> None:
    packed = f"{name}.gz"
    for file, data in ((name, content), (packed, gzip.compress(content)), (packed, content)):
        found = read(tmp_path, file, data)
        assert [one.text for one in found] == ["one", "two"]
        assert all(one.place.startswith(f"{file}:") for one in found)


def test_what_else_a_row_says_of_its_text_is_meta(tmp_path: Path) -> None:
    row = b'{"text": "a", "id": 7, "meta": {"page": 1}, "spans": [1], "_hash": 2, "answer": "x"}'
    assert read(tmp_path, "a.jsonl", row)[0].meta == {"id": 7, "page": 1}
    csv = b'id,text,page\n7,"a, ""b""\nc",1\n8,d,2\n'
    assert read(tmp_path, "a.csv", csv) == [
        Text("a.csv:2", 'a, "b"\nc', {"id": "7", "page": "1"}),
        Text("a.csv:4", "d", {"id": "8", "page": "2"}),
    ]
    task = b'{"id": 3, "data": {"body": "a", "text": "no"}, "body": "b"}'
    assert read(tmp_path, "a.jsonl", task, key="body")[0].text == "b"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.jsonl",
            b'{"text": "a"}\n{"text": \n',
            r"a.jsonl:2: not one JSON value .*a line",
        ),
        ("a.jsonl", b'{"body": "a"}', r"a.jsonl:1: no text among body. .*--text"),
        ("a.jsonl", b'{"text": null, "id": 1}', r"a.jsonl:1: no text among text, id"),
        ("a.jsonl", b'{"text": ["a"]}', r"a.jsonl:1: text is list"),
        ("a.jsonl", b"[1]", r"a.jsonl:1: expected an object with a text, not list"),
        ("a.jsonl", b'{"text": "\\ud800"}', r"a.jsonl:1: not one JSON value"),
        ("a.txt", b"one\ncaf\xe9\n", r"a.txt:2: byte 4 of the line is not UTF-8"),
        ("a.csv", b"id,body\n1,a\n", r"a.csv:1: no column text among id, body. .*--text"),
        ("a.csv", b"id,text\n1,a\n2,b,c\n", r"a.csv:3: 3 cells under a header of 2"),
        ("a.csv", b'id,text\n1,"a\n', r"a.csv:.: not whole CSV"),
        ("a.json", b"[]", r"a.json: its name does not say what it is. .*\.jsonl"),
        ("a.txt.gz", gzip.compress(b"one\n" * 1000, mtime=0)[:-9], r"the gzip is cut or damaged"),
    ],
)
def test_a_fault_is_said_with_its_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, name, content)


def test_a_line_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "LONGEST_LINE", 20)
    assert len(read(tmp_path, "a.txt", b"a" * 18 + b"\n" + b"b\n")) == 2
    for data in (b"a\n" + b"b" * 20, gzip.compress(b"a\n" + b"b" * 99)):
        with pytest.raises(DataError, match=r"a.txt:2: a line of more than 20 bytes"):
            read(tmp_path, "a.txt", data)


def test_a_key_is_one_of_rows_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="have no key 'body'"):
        read(tmp_path, "a.txt", b"one\n", key="body")
    with pytest.raises(DataError, match=r"a.csv:1: no column body"):
        read(tmp_path, "a.csv", b"text\none\n", key="body")
    with pytest.raises(ConfigError, match="No such file"):
        [*read_texts(str(tmp_path / "none.txt"))]
