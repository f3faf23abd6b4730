"""Convert beside the script that every team writes and `spacy convert`: speed and memory.

    python -m bench.convert [DOCUMENTS …]

All read the same documents from a file and write the same entities as DocBin, each in a process of
its own. The script reads the records with srsly, as Prodigy's own recipes do; `spacy convert` reads
the same documents as CoNLL with one token and tag per line.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import chart
from bench.run import alone, timed
from components.record import read_records

MODULE = "bench.convert"
SIZES = (50_000, 150_000)
SIDES = ("train", "dev", "test")
BEGIN = 3  # value of ENT_IOB
Work = Callable[[], object]


def main(sizes: list[int]) -> None:
    results = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "records.jsonl"
            alone("bench.documents", source, size)
            results[size] = {name: alone(MODULE, name, source) for name in CONTENDERS}
        show(size, results[size])
    last = results[sizes[-1]]
    chart.bars(
        "convert",
        f"Documents per processor second, {sizes[-1]:,} documents (log)",
        {name: each["documents"] / each["seconds"] for name, each in last.items()},
    )


def ours(source: Path, folder: Path) -> Work:
    """The stage, in one process."""
    from components.__main__ import main as components
    from components.convert import shards

    assert shards  # imported before the clock starts, as spaCy is for the others
    nothing = folder / "nothing.jsonl"
    nothing.touch()
    arguments = ["convert", '--settings={"workers": 1}', f"--train-set={source}"]
    arguments += [f"--{side}-set={nothing}" for side in SIDES[1:]]
    arguments += [f"--{side}-corpus={folder / side}" for side in SIDES]
    arguments += [f"--convert-report={folder / 'report.json'}"]
    return lambda: components(arguments)


def script(source: Path, folder: Path) -> Work:
    """make_doc, char_span, DocBin.add."""
    import spacy
    import srsly
    from spacy.tokens import DocBin

    nlp = spacy.blank("en")

    def work() -> None:
        corpus = DocBin()
        for record in srsly.read_jsonl(source):
            doc = nlp.make_doc(record["text"])
            spans = [doc.char_span(s["start"], s["end"], label=s["label"]) for s in record["spans"]]
            doc.ents = [span for span in spans if span is not None]
            corpus.add(doc)
        corpus.to_disk(folder / "train.spacy")

    return work


def spacy_convert(source: Path, folder: Path) -> Work:
    """`spacy convert` from CoNLL."""
    from spacy.cli.convert import convert

    conll = folder / "train.conll"
    write_conll(source, conll)
    return lambda: convert(conll, folder, converter="conll", file_type="spacy")


def write_conll(source: Path, target: Path) -> None:
    """One token and its tag per line, an empty line after each document."""
    with target.open("w", encoding="utf-8") as file:
        for record in read_records(source):
            begins = {span.start: f"B-{span.label}" for span in record.spans}
            for start, end in record.tokens or ():
                file.write(f"{record.text[start:end]} -X- -X- {begins.get(start, 'O')}\n")
            file.write("\n")


def one(name: str, source: Path) -> dict[str, Any]:
    """Run one contender; check that it wrote every entity."""
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        work = CONTENDERS[name](source, folder)
        _, figures = timed(work)
        written = [entities(path) for path in folder.rglob("*.spacy")]
        size = sum(path.stat().st_size for path in folder.rglob("*.spacy"))
    expected = [len(record.spans) for record in read_records(source)]
    assert sum(written) == sum(expected)
    return {"documents": len(expected), "bytes": size, **figures}


def entities(path: Path) -> int:
    """How many entities a file of spaCy's has."""
    from spacy.attrs import ENT_IOB
    from spacy.tokens import DocBin

    corpus = DocBin().from_disk(path)
    column = corpus.attrs.index(ENT_IOB)
    return sum(int((tokens[:, column] == BEGIN).sum()) for tokens in corpus.tokens)


def show(size: int, results: dict[str, dict[str, Any]]) -> None:
    table = Table(title=f"convert, {size:,} documents")
    for name in ("", "documents per processor s", "times the script", "wall s", "peak MiB", "MB"):
        table.add_column(name, justify="right" if name else "left")
    base = results["plain script"]["seconds"]
    for name, each in results.items():
        table.add_row(
            name,
            f"{size / each['seconds']:,.0f}",
            f"{base / each['seconds']:.1f}",
            f"{each['wall']:.1f}",
            f"{each['peak']:.0f}",
            f"{each['bytes'] / 1e6:.1f}",
        )
    Console(width=120).print(table)


CONTENDERS: dict[str, Callable[[Path, Path], Work]] = {
    "retrain": ours,
    "plain script": script,
    "spacy convert": spacy_convert,
}

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--one", name, source]:
            print(json.dumps(one(name, Path(source))))
        case arguments:
            main([int(size) for size in arguments] or list(SIZES))
