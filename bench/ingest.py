"""How fast ingest reads Prodigy JSONL, beside srsly and the standard library.

    python -m bench.ingest [FILE …]

Without files: the sample of this project and, where it lies, the real data beside it. Each row is
processor time for the whole file, the best of several rounds; all rows of a file are measured in
turn in one process, so that they meet the same machine.

- *json.loads, strict* refuses duplicate keys and NaN, which the others let pass.
- *typed decoding* is parsing alone: msgspec into the fields that ingest reads.
- *ingest, parsed* is what ingest does for each line: typed decoding, as strict as the strict one.
- *ingest, all* is the whole work: checks, repairs, token alignment, resolving, and clean records as
  JSON; it has no counterpart.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
import srsly
from rich.console import Console
from rich.table import Table

from bench import chart
from components.ingest.candidate import encode
from components.ingest.collect import Collector
from components.ingest.readers.json_faults import strict_object
from components.ingest.readers.prodigy import blocks, quick
from components.ingest.readers.typed import Row
from components.ingest.settings import IngestSettings
from components.records.sources import Copy, SourceFile
from components.tasks import task_of
from components.tasks.base import TaskSettings

ROOT = Path(__file__).parents[1]
SAMPLES = ("phase1.jsonl", "phase2.jsonl")
REAL = ("prodigy_fashion_brands/train.jsonl", "re3d/train.jsonl", "wnut17/train.jsonl")
ROUNDS = 15


def main(files: Sequence[str]) -> None:
    paths = [Path(file) for file in files] or sample_files()
    results = {path: measure(path) for path in paths}
    rates = next(iter(results.values()))
    chart.bars("ingest", f"Records per second, {paths[0].name}: more is better", rates)


def measure(path: Path) -> dict[str, float]:
    """Print the table of one file; return records per second."""
    lines = whole_lines(path)
    times = race(
        {
            "json.loads": partial(each, json.loads, lines),
            "json.loads, strict": partial(each, strict_object, lines),
            "srsly.json_loads": partial(each, srsly.json_loads, lines),
            "typed decoding": partial(each, msgspec.json.Decoder(Row).decode, lines),
            "ingest, parsed": partial(parse_all, lines),
            "ingest, all": partial(ingest_all, path, all_labels(lines)),
        }
    )
    show(path, lines, times)
    return {name: len(lines) / seconds for name, seconds in times.items()}


def sample_files() -> list[Path]:
    real = [ROOT.parent / "shared" / "data" / name for name in REAL]
    samples = [ROOT / "configs" / "sample" / name for name in SAMPLES]
    return [*samples, *(path for path in real if path.exists())]


def whole_lines(path: Path) -> list[bytes]:
    """The lines that all parsers can read."""
    return [line for line in path.read_bytes().splitlines() if readable(line)]


def readable(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line).get("text"), str)
    except ValueError:
        return False


def each(parse_line: Callable[[bytes], object], lines: Sequence[bytes]) -> None:
    for line in lines:
        parse_line(line)


def parse_all(lines: Sequence[bytes]) -> None:
    """Parse as the reader of Prodigy's exports does."""
    for block in blocks(enumerate(lines, start=1)):
        quick([line for _, line in block])


def ingest_all(path: Path, labels: Sequence[str]) -> None:
    """Everything that the stage does but copying the file and writing the report."""
    collector = Collector([task_of(TaskSettings(name="ner", labels=labels))], IngestSettings())
    collector.read([Copy(SourceFile(str(path), "prodigy"), path, "")])
    for record in collector.finish():
        encode(record)


def all_labels(lines: Sequence[bytes]) -> list[str]:
    spans = [span for line in lines for span in json.loads(line).get("spans") or ()]
    return sorted({span["label"] for span in spans})


def race(runs: Mapping[str, Callable[[], None]]) -> dict[str, float]:
    """The best processor time of each, in seconds."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - start)
    return best


def show(path: Path, lines: Sequence[bytes], times: Mapping[str, float]) -> None:
    base = times["srsly.json_loads"]
    size = sum(map(len, lines)) / 1e6
    name = f"{path.parent.name}/{path.name}"
    table = Table(title=f"{name}: {len(lines):,} records, {size:.1f} MB")
    table.add_column("")
    for heading in ("records per second", "MB/s", "times srsly"):
        table.add_column(heading, justify="right")
    for name, seconds in times.items():
        figures = (
            f"{len(lines) / seconds:,.0f}",
            f"{size / seconds:,.0f}",
            f"{base / seconds:.2f}",
        )
        table.add_row(name, *figures)
    Console(width=100).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
