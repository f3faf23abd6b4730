"""Split beside the libraries that stratify: time, balance, leaks, and who stays where.

    python -m bench.split [DOCUMENTS]

Every contender splits the same labels three ways in a process of its own: first half of the
documents, then all of them; synthetic ones, and real ones where they lie beside the project. Then
the whole stage runs on files of growing size, and its near-duplicate search beside datasketch.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import chart, documents, real
from bench.contenders import CONTENDERS, SHARES, Splits
from bench.run import alone, timed

MODULE = "bench.split"
DOCUMENTS = 100_000
REAL = "real"
SIZES = (10_000, 100_000, 1_000_000)
TEXTS = 20_000
THRESHOLD = 0.8


def main(count: int) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # NumPy's threads for sorting wait for each other busily
    results = {name: alone(MODULE, "contender", name, count) for name in CONTENDERS}
    show("synthetic", results)
    if real.exports():
        show("real", {name: alone(MODULE, "contender", name, REAL) for name in CONTENDERS})
    texts = {name: alone(MODULE, name, TEXTS) for name in ("retrain", "datasketch")}
    show_texts(texts)
    stage = {size: alone(MODULE, "stage", size) for size in SIZES}
    show_stage(stage)
    chart.bars(
        "split",
        "Processor seconds per 100,000 documents: less is better",
        {name: each["seconds"] / each["documents"] * 1e5 for name, each in results.items()},
    )


def contender(name: str, what: str) -> dict[str, Any]:
    """Split half of the documents, then all: so many synthetic ones, or the real ones."""
    given = real.labelled() if what == REAL else documents.labelled(int(what))
    count, labels = given.labels.shape
    half = documents.Labelled(given.labels[: count // 2], given.pages[: count // 2])
    first = CONTENDERS[name](half)(np.empty(0, np.int8))
    split = CONTENDERS[name](given)
    splits, figures = timed(lambda: split(first))
    return {
        "documents": count,
        "labels": labels,
        **figures,
        **balance(given, splits),
        "floor": floor(given),
        "leaked": leaked(given, splits),
        "moved": moved(half, first, splits),
    }


def balance(given: documents.Labelled, splits: Splits) -> dict[str, float]:
    """Documents that the labels are off their targets by, over labels and splits."""
    counts = np.array([given.labels[splits == split].sum(axis=0) for split in range(3)])
    off = np.abs(counts - np.outer(SHARES, counts.sum(axis=0)))
    return {"worst": float(off.max()), "mean": float(off.mean())}


def floor(given: documents.Labelled) -> float:
    """The least mean deviation that whole documents allow."""
    targets = np.outer(SHARES, given.labels.sum(axis=0))
    whole = np.floor(targets)
    off = []
    for column, rest in zip(whole.T, (targets - whole).T, strict=True):
        up = np.argsort(-rest)[: round(rest.sum())]
        column[up] += 1
        off.append(column)
    return float(np.abs(np.array(off).T - targets).mean())


def leaked(given: documents.Labelled, splits: Splits) -> float:
    """Share of the pages with several documents that are on several splits."""
    pages = np.unique(given.pages, return_inverse=True)[1]
    on = np.zeros((pages.max() + 1, 3), bool)
    on[pages, splits] = True
    return float((on.sum(axis=1) > 1)[np.bincount(pages) > 1].mean())


def moved(half: documents.Labelled, first: Splits, splits: Splits) -> float:
    """Share of the pages of which a document moved to another split when the other half came."""
    changed = first != splits[: len(first)]
    return len(np.unique(half.pages[changed])) / len(np.unique(half.pages))


def show(kind: str, results: dict[str, dict[str, Any]]) -> None:
    base = results["retrain"]
    title = f"split, {base['documents']:,} {kind} documents, {base['labels']} labels"
    table = Table(title=title)
    names = ("", "documents", "processor s", "times retrain", "peak MiB")
    for name in (*names, "worst", "mean", "leaked", "moved"):
        table.add_column(name, justify="right" if name else "left")
    for name, each in results.items():
        seconds = each["seconds"] / each["documents"]
        table.add_row(
            name,
            f"{each['documents']:,}",
            f"{each['seconds']:.3f}",
            f"{seconds / (base['seconds'] / base['documents']):.1f}",
            f"{each['peak']:.0f}",
            f"{each['worst']:.1f}",
            f"{each['mean']:.3f}",
            f"{each['leaked']:.1%}",
            f"{each['moved']:.1%}",
        )
    Console(width=120).print(table)
    print(f"The least mean that whole documents allow: {base['floor']:.3f}\n")


def by_retrain(count: int) -> dict[str, Any]:
    """Near-duplicates by this project's MinHash and LSH."""
    from components.records.keys import normalised
    from components.similarity.pairs import similar

    texts = [normalised(record.text) for record in documents.records(count)]
    pairs, figures = timed(lambda: similar(texts.__getitem__, count, THRESHOLD))
    return {"documents": count, "found": len(pairs[0]), **figures}


def datasketch(count: int) -> dict[str, Any]:
    """The same shingles and permutations with datasketch: signatures, index and queries."""
    from datasketch import MinHash, MinHashLSH

    from components.records.keys import normalised
    from components.similarity.minhash import PERMUTATIONS, SHINGLE

    texts = [normalised(record.text) for record in documents.records(count)]

    def work() -> int:
        index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
        duplicates = 0
        for key, text in enumerate(texts):
            signed = MinHash(num_perm=PERMUTATIONS)
            parts = {text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1)}
            signed.update_batch([part.encode() for part in parts])
            duplicates += bool(index.query(signed))
            index.insert(key, signed)
        return duplicates

    duplicates, figures = timed(work)
    return {"documents": count, "found": duplicates, **figures}


def show_texts(texts: dict[str, dict[str, Any]]) -> None:
    table = Table(title=f"near-duplicates, Jaccard {THRESHOLD}, 128 permutations")
    for name in ("", "texts", "texts per processor s", "times datasketch", "peak MiB"):
        table.add_column(name, justify="right" if name else "left")
    base = texts["datasketch"]["documents"] / texts["datasketch"]["seconds"]
    for name, each in texts.items():
        rate = each["documents"] / each["seconds"]
        table.add_row(
            name,
            f"{each['documents']:,}",
            f"{rate:,.0f}",
            f"{rate / base:.1f}",
            f"{each['peak']:.0f}",
        )
    Console(width=120).print(table)


def stage(count: int) -> dict[str, Any]:
    """The whole stage, from file to files."""
    from components.__main__ import main as components

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "annotations.jsonl"
        alone("bench.documents", source, count)
        outputs = ("train-set", "dev-set", "test-set", "assignment", "split-report")
        labels = [f"LABEL_{label:02}" for label in range(documents.LABELS)]
        tasks = json.dumps([{"name": "ner", "kind": "ner", "labels": labels}])
        arguments = ["split", f"--annotations={source}", f"--tasks={tasks}"]
        arguments += ['--settings={"group_by":"meta.base_path"}']
        arguments += [f"--{name}={folder}/{name}" for name in outputs]
        code, figures = timed(lambda: components(arguments))
        assert code == 0
        report = json.loads((Path(folder) / "split-report").read_text("utf-8"))
    return {
        "documents": count,
        **figures,
        **{key: report[key] for key in ("worst_deviation", "mean_deviation", "groups")},
    }


def show_stage(results: dict[int, dict[str, Any]]) -> None:
    table = Table(title="the whole stage, file to files")
    names = ("documents", "processor s", "µs per document", "peak MiB", "worst", "mean", "leaked")
    for name in names:
        table.add_column(name, justify="right")
    for size, each in results.items():
        table.add_row(
            f"{size:,}",
            f"{each['seconds']:.1f}",
            f"{each['seconds'] / size * 1e6:.1f}",
            f"{each['peak']:.0f}",
            f"{each['worst_deviation']:.1f}",
            f"{each['mean_deviation']:.3f}",
            str(each["groups"]["leaked"]),
        )
    Console(width=120).print(table)


WORKS = {"retrain": by_retrain, "datasketch": datasketch, "stage": stage}

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--one", "contender", name, what]:
            print(json.dumps(contender(name, what)))
        case ["--one", work, count]:
            print(json.dumps(WORKS[work](int(count))))
        case arguments:
            main(int(arguments[0]) if arguments else DOCUMENTS)
