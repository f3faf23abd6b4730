"""Damaged annotations over all readers: each is kept, skipped, refused, or stops the run."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
import traceback
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import srsly
from spacy.tokens import DocBin

from components.ingest.collect import Collector
from components.ingest.settings import IngestSettings
from components.records.sources import Copy, SourceFile
from components.tasks import tasks_of
from tests.fuzz.mutations import as_json, damaged_bytes, damaged_value
from tests.fuzz.outcome import HangError, Outcome, at_most
from tests.support.records import ner_tasks

PER_FILE = 10  # records
PER_COLLECTOR = 20  # files
SECONDS = 60.0  # for the files of one collector

TEXT = "Send form P60 to HM Revenue in Leeds by 31 January 🎉 or pay £5 , naïve reader ."
WORDS = TEXT.split()

Labelled = tuple[list[str], list[tuple[int, int, str]]]  # words; first, last word and label


def labelled(source: random.Random) -> Labelled:
    words = source.sample(WORDS, source.randint(3, len(WORDS)))
    start = source.randrange(len(words))
    end = min(len(words), start + source.randint(1, 3))
    return words, [(start, end, source.choice(["ORG", "FORM"]))]


def characters(words: list[str]) -> list[tuple[int, int]]:
    """Where each word stands in the text."""
    starts = [sum(len(word) + 1 for word in words[:n]) for n in range(len(words))]
    return [(start, start + len(word)) for start, word in zip(starts, words, strict=True)]


def prodigy(one: Labelled) -> dict[str, Any]:
    words, spans = one
    at = characters(words)
    tokens = [
        {"text": word, "start": start, "end": end, "id": n}
        for n, (word, (start, end)) in enumerate(zip(words, at, strict=True))
    ]
    marked = [{"start": at[a][0], "end": at[b - 1][1], "label": label} for a, b, label in spans]
    text = " ".join(words)
    return {"text": text, "tokens": tokens, "spans": marked, "answer": "accept", "meta": {"n": 1}}


def labelstudio(one: Labelled) -> dict[str, Any]:
    row = prodigy(one)
    results = [
        {
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {
                "start": span["start"],
                "end": span["end"],
                "labels": [span["label"]],
                "text": row["text"][span["start"] : span["end"]],
            },
        }
        for span in row["spans"]
    ]
    return {"id": 1, "data": {"text": row["text"]}, "annotations": [{"result": results}]}


def tags(one: Labelled) -> list[tuple[str, str]]:
    words, spans = one
    tagged = dict.fromkeys(range(len(words)), "O")
    for start, end, label in spans:
        tagged |= {n: f"{'B' if n == start else 'I'}-{label}" for n in range(start, end)}
    return [(word, tagged[n]) for n, word in enumerate(words)]


def json_file(make: Callable[[Labelled], dict[str, Any]], lines: bool) -> Callable[..., bytes]:
    def write(batch: list[Labelled], source: random.Random) -> bytes:
        rows = [make(one) for one in batch]
        rows = [damaged_value(row, source) if source.random() < 0.5 else row for row in rows]
        if not lines:
            return as_json(rows)
        encoded = [as_json(row) for row in rows]
        encoded = [damaged_bytes(e, source) if source.random() < 0.2 else e for e in encoded]
        return b"\n".join(encoded) + b"\n"

    return write


def text_file(row: str, between: str, after: str) -> Callable[..., bytes]:
    def write(batch: list[Labelled], source: random.Random) -> bytes:
        records = [
            (between.join(row.format(word, tag) for word, tag in tags(one)) + after).encode()
            for one in batch
        ]
        damaged = [damaged_bytes(r, source) if source.random() < 0.5 else r for r in records]
        return b"".join(damaged)

    return write


def docbin(batch: list[Labelled], source: random.Random) -> bytes:
    nlp = spacy.blank("en")
    docs = DocBin(store_user_data=True)
    for words, spans in batch:
        doc = spacy.tokens.Doc(nlp.vocab, words=words)
        doc.set_ents([spacy.tokens.Span(doc, a, b, label) for a, b, label in spans])
        docs.add(doc)
    content = srsly.msgpack_loads(zlib.decompress(docs.to_bytes()))
    key = source.choice(list(content))
    if isinstance(content[key], bytes):
        numbers = np.frombuffer(content[key], "uint8").copy()
        for _ in range(source.choice([1, 4])):
            numbers[source.randrange(len(numbers))] = source.randrange(256)
        content[key] = numbers.tobytes()[: source.choice([None, -1, -8])]
    else:
        content[key] = damaged_value(content[key], source)
    try:
        packed = zlib.compress(srsly.msgpack_dumps(content))
    except (UnicodeEncodeError, OverflowError):  # what its own format cannot hold
        packed = docs.to_bytes()
    return damaged_bytes(packed, source) if source.random() < 0.1 else packed


FORMATS: dict[str, tuple[str, Callable[..., bytes]]] = {
    "Prodigy": ("a.jsonl", json_file(prodigy, lines=True)),
    "Prodigy, one array": ("a.json", json_file(prodigy, lines=False)),
    "Label Studio": ("ls.json", json_file(labelstudio, lines=False)),
    "Label Studio, lines": ("ls.jsonl", json_file(labelstudio, lines=True)),
    "CoNLL": ("a.conll", text_file("{} _ {}", "\n", "\n\n")),
    "CoNLL, tabs": ("a.tsv", text_file("{}\t{}", "\n", "\n\n")),
    "IOB": ("a.iob", text_file("{}|{}", " ", "\n")),
    "DocBin": ("a.spacy", docbin),
}


def fuzz(count: int, seed: int) -> Outcome:
    """Read `count` records, in files of which most are damaged."""
    outcome, source = Outcome(), random.Random(seed)
    names = list(FORMATS)
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        while outcome.tried < count:
            read_some(Path(folder), names[number % len(names)], source, outcome)
            number += 1
    return outcome


def read_some(folder: Path, name: str, source: random.Random, outcome: Outcome) -> None:
    """Read some files of a format with one collector, and see that all adds up."""
    file_name, write = FORMATS[name]
    copies = []
    for number in range(PER_COLLECTOR):
        content = write([labelled(source) for _ in range(PER_FILE)], source)
        if source.random() < 0.1:
            content = damaged_bytes(gzip.compress(content), source)
        path = folder / f"{number}-{file_name}"
        path.write_bytes(content)
        copies.append(Copy(SourceFile(str(path), "auto"), path, ""))
    outcome.tried += PER_COLLECTOR * PER_FILE
    collector = Collector(tasks_of(ner_tasks(["ORG", "FORM"])), IngestSettings(required=()))
    try:
        with at_most(SECONDS):
            collector.read(copies)
            kept = list(collector.finish())
    except HangError:
        outcome.faults.append(f"{name}: no end after {SECONDS:g} s")
        return
    except Exception:
        outcome.faults.append(f"{name}: {traceback.format_exc(limit=-4)}")
        return
    counts = collector.counts
    left_out = counts.skipped.total() + counts.quarantined.total()
    if counts.read != counts.kept + left_out or counts.kept != len(kept):
        outcome.faults.append(
            f"{name}: {counts.read} read, {counts.kept} kept, {left_out} left out"
        )
    for record in kept:
        check_record(name, record, outcome)
    outcome.counts["kept"] += counts.kept
    outcome.counts["skipped"] += counts.skipped.total()
    outcome.counts["quarantined"] += counts.quarantined.total()
    outcome.counts["files that stop"] += sum(
        problem.count for problem in collector.problems.sorted() if problem.policy == "stop"
    )


def check_record(name: str, record: Any, outcome: Outcome) -> None:
    """What is kept must hold together, and be writable."""
    spans = [(span.start, span.end) for span in record.answers["ner"].spans]
    inside = all(0 <= start < end <= len(record.text) for start, end in spans)
    apart = all(a[1] <= b[0] for a, b in pairwise(spans))
    labels = {span.label for span in record.answers["ner"].spans} <= {"ORG", "FORM"}
    try:
        json.dumps(record.text, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        inside = False
    if not (inside and apart and labels):
        outcome.faults.append(f"{name}: kept what does not hold together: {record}")
