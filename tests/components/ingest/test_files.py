"""Files that are no lines of JSON: tables, WebAnno, brat's two files, and zip archives of any."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from components.ingest.readers.detect import detected, read
from components.records.annotation import Annotation, Item, Refused, Skipped
from components.records.problems import Problems, StopReadingError
from components.records.sources import SourceFile
from tests.components.ingest.exports import ENOUGH, Ingested
from tests.components.ingest.test_exports import EXPORTS
from tests.components.ingest.test_formats import CASES

TEXT = "Ada Byron left Acme"
SPANS = [(0, 9, "PER"), (15, 19, "ORG")]
RIGHT = (TEXT, SPANS)
ANN = "T1\tPER 0 9\tAda Byron\nT2\tORG 15 19\tAcme\nR1\tWorks Arg1:T1 Arg2:T2\n#1\tNote T1\tx\n"
REGIONS = json.dumps(
    [{"start": a, "end": b, "labels": [x], "text": TEXT[a:b]} for a, b, x in SPANS]
)
WEBANNO = """#FORMAT=WebAnno TSV 3.2
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value

#Text=Ada Byron left Acme
1-1\t0-3\tAda\tNNP\t*[1]\tPER[1]
1-2\t4-9\tByron\tNNP\t*[1]\tPER[1]
1-3\t10-14\tleft\tVBD\t_\t_
1-4\t15-19\tAcme\tNNP\t*\tORG

#Text=Nobody left\\, then.
2-1\t20-26\tNobody\tNN\t_\t_
2-2\t27-31\tleft\tVBD\t_\t_
2-3\t31-32\t\\,\t,\t_\t_
2-4\t33-38\tthen.\tRB\t_\t_
"""


def items(folder: Path, content: str | bytes, name: str = "export") -> list[Item]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(path, name, SourceFile(name, "auto"), Problems()))


def said(item: Item) -> tuple[str, list[tuple[int, int, str | None]]]:
    assert isinstance(item, Annotation)
    return item.text, [(span.start, span.end, span.label) for span in item.spans]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("csv", f"text,start,end,label\n{TEXT},0,9,PER\n{TEXT},15,19,ORG\n"),
        ("csv", f'id;text;label\n1;{TEXT};"{REGIONS.replace(chr(34), chr(34) * 2)}"\n'),
        ("csv", f'text\tentities\n{TEXT}\t"[[0, 9, ""PER""], [15, 19, ""ORG""]]"\n'),
        (
            "csv",
            "Sentence,Word,POS,Tag\nS 1,Ada,N,B-PER\n,Byron,N,I-PER\n,left,V,O\n,Acme,N,B-ORG\n",
        ),
        ("webanno", WEBANNO.partition("\n\n#Text=Nobody")[0] + "\n"),
    ],
)
def test_a_table_is_recognised_and_read(tmp_path: Path, name: str, content: str) -> None:
    (item,) = items(tmp_path, content)
    assert detected(tmp_path / "export", "export") == name
    assert said(item) == RIGHT


def test_cells_may_hold_line_ends_and_texts_without_spans(tmp_path: Path) -> None:
    rows = 'text,start,end,label\n"Ada\nleft",0,3,PER\nNobody,,,\nNobody else,1,x,PER\n'
    first, free, refused = items(tmp_path, rows)
    assert said(first) == ("Ada\nleft", [(0, 3, "PER")])
    assert said(free) == ("Nobody", [])
    assert isinstance(refused, Refused)
    assert refused.kind == "bad_offsets"


def test_a_row_of_another_width_is_refused_and_a_cut_one_stops(tmp_path: Path) -> None:
    """With all that is said of its text: without its span the text would have one less."""
    head = "text,start,end,label\n"
    table = f"{head}{TEXT},15,19\n{TEXT},0,9,PER\nAda left,0,3,PER\nBob,0,3,PER,x\n"
    refused, item, other = items(tmp_path, table)
    assert isinstance(refused, Refused)
    assert isinstance(other, Refused)
    assert refused.detail == "line 2: 3 cells under a header of 4"
    assert (other.place.line, b"x" in other.raw) == (5, True)
    assert said(item) == ("Ada left", [(0, 3, "PER")])
    with pytest.raises(StopReadingError, match="cut"):
        items(tmp_path, f"text,start,end,label\n{TEXT},0,9,PER\n{TEXT},15")


def test_a_row_of_another_width_is_refused_with_its_sentence(tmp_path: Path) -> None:
    """Left out alone, it would take a word away, or join what follows it to the sentence before."""
    table = "S,Word,Tag\n1,Ada,B-PER\n,Byron\n2,left,O\n3,Bob\n,left,O\n"
    first, item, last = items(tmp_path, table)
    assert said(item) == ("left", [])
    for one, line in ((first, 2), (last, 5)):
        assert isinstance(one, Refused)
        assert one.place.line == line


def test_spans_in_a_cell_are_strict_json(tmp_path: Path) -> None:
    twice = '[{""start"": 0, ""end"": 3, ""end"": 9, ""label"": ""PER""}]'
    one, refused = items(tmp_path, f'text\tspans\n{TEXT}\t"[[0, 9, ""PER""]]"\n{TEXT}\t"{twice}"\n')
    assert said(one) == (TEXT, [(0, 9, "PER")])
    assert isinstance(refused, Refused)
    assert refused.kind == "duplicate_keys"


def test_webanno_joins_what_has_one_number_and_knows_escapes(tmp_path: Path) -> None:
    first, other = items(tmp_path, WEBANNO)
    assert said(first) == RIGHT
    assert said(other) == ("Nobody left, then.", [])
    (asked,) = [WEBANNO.replace("ner.type.NamedEntity", "x.Other")]
    with pytest.raises(StopReadingError, match="which layer holds the entities"):
        items(tmp_path, asked)


def test_brat_reads_its_two_files_as_one_record(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (item,) = items(tmp_path, ANN, "a.ann")
    assert said(item) == RIGHT
    (free,) = items(tmp_path, "", "a.ann")
    assert said(free) == (TEXT, [])
    (joined,) = items(tmp_path, "T1\tPER 0 3;4 9\tAda Byron\n", "a.ann")  # as at a line end
    assert said(joined) == (TEXT, [(0, 9, "PER")])
    (refused,) = items(tmp_path, f"T2\tPER 0 3;15 19\tAda Acme\n{ANN}", "a.ann")
    assert isinstance(refused, Refused)
    assert refused.detail == "line 1: PER 'Ada Acme', an entity in several pieces"
    assert sorted(refused.labels) == ["ORG", "PER", "PER"]
    with pytest.raises(StopReadingError, match=r"its text, b\.txt, is not there"):
        items(tmp_path, ANN, "b.ann")


def test_ingest_finds_the_text_of_brat_in_its_snapshot(
    tmp_path: Path, ingest: Callable[..., Ingested]
) -> None:
    for number, (text, spans) in enumerate(ENOUGH):
        (tmp_path / f"{number}.txt").write_text(text, encoding="utf-8")
        lines = [f"T{n}\t{x} {a} {b}\t{text[a:b]}\n" for n, (a, b, x) in enumerate(spans)]
        (tmp_path / f"{number}.ann").write_text("".join(lines), encoding="utf-8")
    done = ingest(str(tmp_path / "*.ann"))
    assert done.code == 0
    assert [record.text for record in done.records] == [text for text, _ in ENOUGH]
    assert "empty_file" not in done.kinds()


def zipped(**files: str | bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return stream.getvalue()


def test_a_zip_archive_is_read_file_by_file(tmp_path: Path) -> None:
    line = json.dumps({"text": TEXT, "label": [[*span] for span in SPANS]})
    content = zipped(
        x__conll="Ada B-PER\n",
        x__doccano=f"{line}\n",
        y__b_txt="no",
        **{"y/a.txt": TEXT, "y/a.ann": ANN},
    )
    with pytest.raises(StopReadingError, match="y/b_txt"):
        items(tmp_path, content)
    content = zipped(
        x__conll="Ada B-PER\n",
        x__doccano=f"{line}\n",
        **{"y/a.txt": TEXT, "y/a.ann": ANN, "y/annotation.conf": "[entities]\nPER\n"},
    )
    records = items(tmp_path, content)
    assert [str(item.place) for item in records] == [
        "export/x/conll:1",
        "export/x/doccano:1",
        "export/y/a.ann:1",
    ]
    assert [said(item) for item in records[1:]] == [RIGHT, RIGHT]


def test_hidden_files_of_an_archive_are_counted_but_for_those_of_the_system(tmp_path: Path) -> None:
    names = ["a/.notes", "b\\.jsonl", "..\\x", "y\\", ".DS_Store", "a/._x", "__MACOSX/._a"]
    path = tmp_path / "export"
    path.write_bytes(zipped(**dict.fromkeys(names, "Ada B-PER\n")))
    problems = Problems()
    records = list(read(path, "export", SourceFile("export", "auto"), problems))
    assert [str(item.place) for item in records] == ["export/..\\x:1"]
    [problem] = problems.sorted()
    assert (problem.kind, problem.count) == ("hidden_file", 2)
    assert problem.first == ["export/a/.notes", "export/b\\.jsonl"]


def test_two_files_of_one_name_in_an_archive_stop(tmp_path: Path) -> None:
    stream = io.BytesIO(zipped(a="Ada B-PER\n"))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("a", "Bob B-PER\n")
    with pytest.raises(StopReadingError, match="two files in it are called a"):
        items(tmp_path, stream.getvalue())


EVERY = [
    *((name, json.dumps(record).encode() + b"\n") for name, record in EXPORTS),
    *((name, make()) for name, make in CASES),
    ("webanno", WEBANNO.encode()),
    ("csv", f"text,start,end,label\n{TEXT},0,9,PER\n{TEXT},15,19,ORG\n".encode()),
]


@pytest.mark.parametrize(("name", "content"), EVERY)
def test_every_format_is_read_from_an_archive_as_by_itself(
    name: str, content: bytes, tmp_path: Path
) -> None:
    """brat's is above."""
    alone = items(tmp_path, content)
    packed = items(tmp_path, zipped(export=content, **{"__MACOSX/._export": b"x"}))
    assert {type(item) for item in alone} <= {Annotation, Skipped}
    assert [said(item) for item in packed if isinstance(item, Annotation)] == [
        said(item) for item in alone if isinstance(item, Annotation)
    ]
    assert len(packed) == len(alone)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(a=zipped(b="Ada B-PER\n")), "a zip archive in another"),
        (zipped(**{"[Content_Types].xml": "<x/>"}), "save it as CSV"),
        (b"SQLite format 3\x00", "prodigy:FILE#DATASET"),
        (b"PAR1\x15", "a Parquet file: write it as JSON Lines"),
        (b"a.jsonl".ljust(257, b"\x00") + b"ustar", "a tar archive: unpack it"),
        (zipped(a="Ada B-PER\n")[:-9], "zip"),
    ],
)
def test_an_archive_that_is_damaged_or_a_trap_stops(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(StopReadingError, match=said):
        items(tmp_path, content)
