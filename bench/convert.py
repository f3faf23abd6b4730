"""Convert beside the script that every team writes and `spacy convert`: speed and memory.

    python -m bench.convert [DOCUMENTS …]

All read the same documents from a file and write the same entities as DocBin, each in a process of
its own; synthetic documents, and real ones where they lie beside the project. The script reads the
records with srsly, as Prodigy's own recipes do; `spacy convert` reads the same documents as CoNLL
with one token and tag per line. Both keep all documents until the end, so that a million are left
to this project's stage alone. Processor seconds are those of one process: only wall time compares
the stage as it runs by default, on all cores.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import chart, real
from bench.run import alone, timed
from components.records.record import read_records, write_records

MODULE = "bench.convert"
MILLION = 1_000_000
SIZES = (50_000, 150_000, MILLION)
SPLITS = ("train", "dev", "test")
BEGIN = 3  # value of ENT_IOB
Work = Callable[[], object]


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "records.jsonl"
        for size in sizes:
            alone("bench.documents", source, size)
            names = [*(CONTENDERS if size < MILLION else BY_RETRAIN)]
            show("synthetic", results := {name: alone(MODULE, name, source) for name in names})
            if size < MILLION:
                draw(results)
        if real.exports():
            write_records(source, real.records())
            # CoNLL cannot write their tokens: some are line ends.
            names = [name for name in CONTENDERS if name != "spacy convert"]
            show("real", {name: alone(MODULE, name, source) for name in names})


def draw(results: dict[str, dict[str, Any]]) -> None:
    chart.bars(
        "convert",
        f"Documents per second, {results['plain script']['documents']:,} documents: more is better",
        {name: each["documents"] / each["wall"] for name, each in results.items()},
    )


def by_retrain(source: Path, folder: Path, workers: int = 1) -> Work:
    """The stage, in one process or several."""
    from components.__main__ import main as components
    from components.convert import shards
    from components.tokeniser import tokeniser

    assert shards  # imported before the clock starts, as spaCy and its tokeniser are for the others
    assert tokeniser("en")
    nothing = folder / "nothing.jsonl"
    nothing.touch()
    labels = {span.label for record in read_records(source) for span in record.answers["ner"].spans}
    tasks = json.dumps([{"name": "ner", "kind": "ner", "labels": sorted(labels)}])
    settings = json.dumps({"workers": workers})
    arguments = ["convert", f"--tasks={tasks}", f"--settings={settings}", f"--train-set={source}"]
    arguments += [f"--{split}-set={nothing}" for split in SPLITS[1:]]
    arguments += [f"--{split}-corpus={folder / split}" for split in SPLITS]
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
            marked = record["answers"]["ner"].get("spans", [])
            spans = [doc.char_span(s["start"], s["end"], label=s["label"]) for s in marked]
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
            begins = {span.start: f"B-{span.label}" for span in record.answers["ner"].spans}
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
    expected = [len(record.answers["ner"].spans) for record in read_records(source)]
    assert sum(written) == sum(expected)
    return {"documents": len(expected), "bytes": size, **figures}


def entities(path: Path) -> int:
    """How many entities a file of spaCy's has."""
    from spacy.attrs import ENT_IOB
    from spacy.tokens import DocBin

    corpus = DocBin().from_disk(path)
    column = corpus.attrs.index(ENT_IOB)
    return sum(int((tokens[:, column] == BEGIN).sum()) for tokens in corpus.tokens)


def show(kind: str, results: dict[str, dict[str, Any]]) -> None:
    base = results.get("plain script")
    size = results["retrain, one process"]["documents"]
    table = Table(title=f"convert, {size:,} {kind} documents")
    for name in ("", "processor s", "times faster", "wall s", "times faster", "peak MiB", "MB"):
        table.add_column(name, justify="right" if name else "left")
    for name, each in results.items():
        alone = name != ALL_CORES
        table.add_row(
            name,
            f"{each['seconds']:.2f}" if alone else "",
            f"{base['seconds'] / each['seconds']:.1f}" if base and alone else "",
            f"{each['wall']:.2f}",
            f"{base['wall'] / each['wall']:.1f}" if base else "",
            f"{each['peak']:,.0f}" if alone else "",
            f"{each['bytes'] / 1e6:.1f}",
        )
    Console(width=120).print(table)


ALL_CORES = "retrain, all cores"
BY_RETRAIN: dict[str, Callable[[Path, Path], Work]] = {
    "retrain, one process": by_retrain,
    ALL_CORES: partial(by_retrain, workers=0),
}
CONTENDERS = {**BY_RETRAIN, "plain script": script, "spacy convert": spacy_convert}

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--one", name, source]:
            print(json.dumps(one(name, Path(source))))
        case arguments:
            main([int(size) for size in arguments] or list(SIZES))
