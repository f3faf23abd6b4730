"""Shards, their manifest, and the processes that write them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.__main__ import main
from components.convert.rows import lines
from components.digests import together
from components.records.record import Record, Span
from tests.components.convert.annotated import records
from tests.components.convert.conftest import SPLITS, Corpora
from tests.support.records import ner_record, ner_tasks


@given(st.lists(st.text("ab", max_size=12), max_size=12), st.integers(1, 20), st.booleans())
def test_ranges_share_out_the_lines(texts: list[str], size: int, ended: bool) -> None:
    data = "\n".join(texts).encode() + b"\n" * ended
    blocks = [lines(io.BytesIO(data), start, start + size) for start in range(0, len(data), size)]
    assert b"".join(block for _, block in blocks) == data
    for at, block in blocks:
        assert data[at : at + len(block)] == block
        assert not block or at == 0 or data[at - 1 : at] == b"\n"


def padded(count: int) -> list[Record]:
    """Records of 10 kB, so that a hundred make a shard of 1 MB."""
    given = records(count)
    for record in given:
        record.meta["padding"] = "x" * 10_000
    return given


def test_the_bytes_do_not_depend_on_how_the_work_is_shared(
    convert: Callable[..., Corpora], monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = padded(350), padded(120), padded(3)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = convert(*splits, shard_megabytes=1, workers=1)
    two = convert(*splits, shard_megabytes=1, workers=2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with_a_thread = convert(*splits, shard_megabytes=1, workers=1)
    assert one.files == two.files == with_a_thread.files
    assert [len(one.manifest(split)["shards"]) for split in SPLITS] == [4, 2, 1]


def test_the_manifest_tells_what_is_there(convert: Callable[..., Corpora]) -> None:
    given = padded(250)
    corpora = convert(given, shard_megabytes=1)
    manifest = corpora.manifest()
    assert manifest["version"] == 2
    assert manifest["documents"] == len(given) == sum(s["documents"] for s in manifest["shards"])
    assert manifest["words"] == sum(map(len, corpora.docs()))
    assert manifest["tasks"]["ner"] == {
        label: sum(span.label == label for record in given for span in record.answers["ner"].spans)
        for label in ("DATE", "FORM", "MONEY", "ORG", "PERSON")
    }
    files = {path.name for path in (corpora.folder / "train").glob("*.spacy")}
    assert files == {shard["file"] for shard in manifest["shards"]}
    for shard in manifest["shards"]:
        data = (corpora.folder / "train" / shard["file"]).read_bytes()
        assert (shard["sha256"], shard["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_the_digests_are_those_of_what_was_written(
    convert: Callable[..., Corpora], tmp_path: Path
) -> None:
    convert(padded(120), records(3), ())
    folder, output = tmp_path / "again", tmp_path / "output.json"
    arguments = [f"--{split}-set={tmp_path}/1-{split}.jsonl" for split in SPLITS]
    arguments += [f"--{split}-corpus={folder / split}" for split in SPLITS]
    arguments += [f"--convert-report={folder}/report.json", '--settings={"shard_megabytes": 1}']
    arguments += ["--executor-input", json.dumps({"outputs": {"outputFile": str(output)}})]
    assert main(["convert", "--tasks", ner_tasks(["A"]), *arguments]) == 0
    assert json.loads(output.read_text("utf-8"))["parameterValues"] == {
        "training_digest": together(train=folder / "train", dev=folder / "dev"),
        "test_digest": together(test=folder / "test"),
    }


def test_records_keep_their_order(convert: Callable[..., Corpora]) -> None:
    given = padded(250)
    docs = convert(given, shard_megabytes=1, workers=2).docs()
    assert [doc.user_data["id"] for doc in docs] == [record.id for record in given]


def test_an_empty_side_is_an_empty_corpus(convert: Callable[..., Corpora]) -> None:
    corpora = convert(records(5))
    assert corpora.manifest("dev") == {
        "version": 2,
        "shards": [],
        "documents": 0,
        "words": 0,
        "tasks": {},
    }


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (b'{"id": 1}', "not an annotation record"),
        (
            b'{"id": "1", "text": "ab", "source": "a.jsonl:7", '
            b'"answers": {"ner": {"spans": [{"start": 1, "end": 9, "label": "X"}]}}}',
            "a.jsonl:7: the span X at 1-9 is not inside its text of 2 characters",
        ),
    ],
)
def test_broken_records_are_named_and_nothing_is_left(
    convert: Callable[..., Corpora],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    broken: bytes,
    words: str,
    workers: int,
) -> None:
    convert(padded(150))
    source = tmp_path / "1-train.jsonl"
    source.write_bytes(source.read_bytes() + broken + b"\n")
    out = tmp_path / "out"
    code = main(
        ["convert", "--tasks", ner_tasks(["A"]), f"--train-set={source}"]
        + [f"--{split}-set={tmp_path}/1-{split}.jsonl" for split in ("dev", "test")]
        + [f"--{split}-corpus={out}/{split}" for split in SPLITS]
        + [f"--convert-report={out}/report.json"]
        + [f'--settings={{"workers": {workers}, "shard_megabytes": 1}}']
    )
    assert code == 3
    assert words in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_overlapping_entities_are_refused(
    convert: Callable[..., Corpora], capsys: pytest.CaptureFixture[str]
) -> None:
    overlapping = ner_record("1", "abc def", [Span(0, 5, "A"), Span(4, 7, "B")], source="a.jsonl:7")
    assert convert([overlapping], code=3).files == {}
    why = "a.jsonl:7: the entities A at 0-5 and B at 4-7 overlap or are out of order"
    assert why in capsys.readouterr().err


def test_an_unknown_language_is_named(
    convert: Callable[..., Corpora], capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(records(1), language="xq", code=2).files == {}
    assert "xq" in capsys.readouterr().err
