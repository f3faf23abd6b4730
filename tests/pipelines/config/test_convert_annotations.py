"""`retrain convert-annotations`: any format comes out as Prodigy rows that say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fsspec
import pytest

from components.errors import ConfigError, DataError
from components.ingest.readers.detect import detected, read
from components.records.annotation import Annotation, Item
from components.records.problems import Problems
from components.records.sources import SourceFile
from pipelines.cli.convert_annotations import convert_annotations
from pipelines.config.check import check_phases
from pipelines.config.load import load
from pipelines.config.scaffold import first_config
from tests.components.ingest.test_exports import EXPORTS
from tests.components.ingest.test_files import WEBANNO
from tests.components.ingest.test_formats import conll, docbin, iob, label_studio


def items(path: Path) -> list[Item]:
    return list(read(path, path.name, SourceFile(str(path), "auto"), Problems()))


def meaning(item: Item) -> tuple[Any, ...]:
    assert isinstance(item, Annotation)
    spans = sorted((span.start, span.end, span.label) for span in item.spans)
    return item.text, spans, item.answer, item.binary, item.reviewed, item.annotator


@pytest.mark.parametrize(
    "content",
    [
        *(json.dumps(record).encode() for _, record in EXPORTS),
        label_studio(),
        conll(),
        iob(),
        docbin(),
        WEBANNO.encode(),
        json.dumps(
            {
                "text": "Ask Ada",
                "spans": [{"start": 4, "end": 7, "label": "P"}],
                "answer": "reject",
                "_is_binary": True,
                "_annotator_id": "a",
            }
        ).encode(),
        json.dumps(
            {"text": "Ask Ada", "spans": [], "answer": "accept", "_view_id": "review"}
        ).encode(),
    ],
)
def test_what_is_written_says_the_same(content: bytes, tmp_path: Path) -> None:
    source, output = tmp_path / "export", tmp_path / "out.jsonl"
    source.write_bytes(content + b"\n")
    convert_annotations(str(source), output)
    assert detected(output, output.name) == "prodigy"
    assert [meaning(item) for item in items(output)] == [meaning(item) for item in items(source)]


def test_offsets_come_out_in_characters_and_every_record_is_accounted_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JavaScript offsets, a question without answer, a line that is cut, a span elsewhere."""
    rows = [
        {
            "text": "\U0001f600 Ask Ada",
            "spans": [{"start": 7, "end": 10, "label": "P", "text": "Ada"}],
        },
        {"text": "Spam", "_view_id": "choice"},
        {"text": "Ask Ada", "spans": [{"start": 0, "end": 3, "label": "P", "text": "Ada"}]},
    ]
    source, output = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps({**row, "answer": "accept"}) for row in rows]
    source.write_text("\n".join([lines[0], '{"text":', *lines[1:], ""]), encoding="utf-8")
    convert_annotations(str(source), output)
    (row,) = map(json.loads, output.read_text(encoding="utf-8").splitlines())
    assert [(span["start"], span["end"]) for span in row["spans"]] == [(6, 9)]
    said = capsys.readouterr().out
    assert "4 records: 1 written, 1 skipped, 2 refused" in said
    assert "refused: span_text_differs: 1, first a.jsonl:4" in said
    assert "repair: shifted_span: 1" in said
    with pytest.raises(ConfigError, match="is already there"):
        convert_annotations(str(source), output)


def test_choices_of_a_region_are_written_as_keys_of_its_span(tmp_path: Path) -> None:
    value = {"start": 3, "end": 8, "text": "fever", "labels": ["FINDING"]}
    results = [
        {"id": "a", "type": "labels", "value": value, "from_name": "x", "to_name": "text"},
        {"id": "a", "type": "choices", "value": {"choices": ["Absent"]}, "from_name": "assertion"},
    ]
    task = {"data": {"text": "no fever"}, "annotations": [{"result": results}]}
    (tmp_path / "a.json").write_text(json.dumps([task]), encoding="utf-8")
    convert_annotations(str(tmp_path / "a.json"), tmp_path / "out.jsonl")
    [span] = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["spans"]
    assert (span["label"], span["assertion"]) == ("FINDING", "Absent")


def test_a_bucket_is_read_as_in_a_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Ada left Acme"
    for name, content in (("a.txt", text), ("a.ann", "T1\tPER 0 3\tAda\nR1\tx Arg1:T1 Arg2:T1\n")):
        with fsspec.open(f"memory://exports/{name}", "w") as file:
            file.write(content)
    convert_annotations("memory://exports/*.ann", tmp_path / "out.jsonl")
    (item,) = items(tmp_path / "out.jsonl")
    assert meaning(item)[:2] == (text, [(0, 3, "PER")])
    assert "repair: relations: 1" in capsys.readouterr().out


def test_tags_that_a_file_beside_names_are_written_by_name(tmp_path: Path) -> None:
    names = {"ner_tags": {"feature": {"names": ["O", "B-PER"]}}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": names}), encoding="utf-8")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"tokens": ["Ada", "left"], "ner_tags": [1, 0]}), encoding="utf-8")
    convert_annotations(str(rows), tmp_path / "out.jsonl")
    (item,) = items(tmp_path / "out.jsonl")
    assert meaning(item)[:2] == ("Ada left", [(0, 3, "PER")])
    config = tmp_path / "my.yaml"
    config.write_text(first_config([rows], tmp_path, "auto"), encoding="utf-8")
    checked = check_phases(load(config))["rows"]
    assert checked.data
    assert checked.data["records"]["kept"] == 1


def test_where_nothing_can_be_written_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": 3, "answer": "accept"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"nothing to write\.\n1 records: 0 written"):
        convert_annotations(str(tmp_path / "a.jsonl"), tmp_path / "out.jsonl")
    with pytest.raises(ConfigError, match="no such format"):
        convert_annotations(str(tmp_path / "a.jsonl"), tmp_path / "out.jsonl", "xml")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
