"""Damaged annotations over all readers: each is kept, skipped, refused, or stops the run.

What is kept is held against a strict reading of the same file (tests/fuzz/strict.py).
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
import traceback
from itertools import pairwise
from pathlib import Path
from typing import Any

from components.ingest.collect import Collector
from components.ingest.settings import IngestSettings
from components.records.sources import Copy, SourceFile
from components.tasks import tasks_of
from tests.fuzz.exports import FORMATS, Format, labelled, text_of
from tests.fuzz.mutations import damaged_bytes
from tests.fuzz.outcome import HangError, Outcome, at_most
from tests.fuzz.strict import Reading, justifies
from tests.support.records import ner_tasks

PER_FILE = 10  # records
SECONDS = 60.0  # for a file
TOLD = 0.8  # of the files: their format is said, as with `format:` in a config


def fuzz(count: int, seed: int) -> Outcome:
    """Read `count` records, in files of which most are damaged."""
    outcome, source = Outcome(), random.Random(seed)
    names = list(FORMATS)
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        while outcome.tried < count:
            read_one(Path(folder), names[number % len(names)], source, outcome)
            number += 1
    return outcome


def read_one(folder: Path, name: str, source: random.Random, outcome: Outcome) -> None:
    """Read a file, see that all adds up, and that what was kept is what the file says."""
    of_file = FORMATS[name]
    path, is_named = written(folder, of_file, source), source.random() < TOLD
    file = SourceFile(str(path), of_file.name if is_named else "auto")  # type: ignore[arg-type]
    outcome.tried += PER_FILE
    collector = Collector(tasks_of(ner_tasks(["ORG", "FORM"])), IngestSettings(required=()))
    try:
        with at_most(SECONDS):
            collector.read([Copy(file, path, "")])
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
    stops = sum(p.count for p in collector.problems.sorted() if p.policy == "stop")
    if is_named and kept and not stops:
        check_strictly(name, reading_of(path, of_file), kept, path.read_bytes(), outcome)
    outcome.counts["kept"] += counts.kept
    outcome.counts["skipped"] += counts.skipped.total()
    outcome.counts["quarantined"] += counts.quarantined.total()
    outcome.counts["files that stop"] += stops


def written(folder: Path, of_file: Format, source: random.Random) -> Path:
    """A file of a format, packed at times; brat's text is beside it."""
    batch = [labelled(source) for _ in range(PER_FILE)]
    content = of_file.write(batch, source)
    if source.random() < 0.1:
        content = damaged_bytes(gzip.compress(content), source)
    path = folder / of_file.file
    path.write_bytes(content)
    path.with_suffix(".txt").write_text(text_of(batch[0]), encoding="utf-8")
    return path


def reading_of(path: Path, of_file: Format) -> Reading:
    """What a file says strictly; nothing where it can't be read."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        return of_file.reading(content, text)
    except Exception:  # whatever it is: a strict reading refuses the file
        return {}


def check_strictly(
    name: str, reading: Reading, kept: list[Any], content: bytes, outcome: Outcome
) -> None:
    """Each record that is kept must be what a strict reading finds there."""
    everything = [said for some in reading.values() for said in some]
    for record in kept:
        place = int(record.source.rpartition(":")[2])
        spans = [(s.start, s.end, s.label) for s in record.answers["ner"].spans]
        here = [said for said in reading.get(place, []) if said[0] == record.text]
        others = [one for said in everything if said[0] == record.text for one in said[1]]
        if not here or not justifies((record.text, others), record.text, spans):
            read = f"{record}, strictly {here}, in:\n{content[:3000]!r}"
            outcome.faults.append(f"{name}: kept what a strict reading refuses: {read}")
        outcome.counts["read strictly"] += 1


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
