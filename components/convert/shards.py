"""A file of records in, a folder of `.spacy` files and its manifest out.

A shard holds the records whose lines start in one range of bytes of the file. So its content does
not depend on which process writes it or when, and nobody holds more than one shard in memory.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from components.convert import ner
from components.convert.counts import Counts
from components.convert.docbin import pack
from components.convert.settings import ConvertSettings
from components.errors import DataError
from components.record import Record

TASKS = {"ner": ner.columns}
MEGABYTE = 10**6


@dataclass(frozen=True)
class Job:
    """One shard: the range of bytes of a file of records, and the file to write."""

    source: Path
    start: int
    end: int
    target: Path
    task: str
    settings: ConvertSettings


@dataclass(frozen=True)
class Shard:
    """A shard that has been written; `sha256` and `size` are '' and 0 when it had no records."""

    file: str
    sha256: str
    size: int
    counts: Counts


def jobs(source: Path, folder: Path, task: str, settings: ConvertSettings) -> list[Job]:
    """Cut a file of records into shards."""
    size = settings.shard_megabytes * MEGABYTE
    return [
        Job(source, start, start + size, folder / f"{number:05}.spacy", task, settings)
        for number, start in enumerate(range(0, source.stat().st_size, size))
    ]


def write_all(jobs: list[Job], workers: int) -> Iterator[Shard]:
    """Write shards in several processes; yield them in the order of the jobs.

    Under one shard's worth of records, starting a process costs more than it saves.
    """
    shard = max((job.settings.shard_megabytes * MEGABYTE for job in jobs), default=1)
    total = sum(min(job.end, job.source.stat().st_size) - job.start for job in jobs)
    workers = min(workers or cores(), -(-total // shard))
    if workers <= 1:
        yield from map(write, jobs)
        return
    # Not fork: the parent may have threads (NumPy's), which fork does not carry over. The server
    # imports spaCy once, and its forks have it.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(workers, context) as pool:
        try:
            yield from pool.map(write, jobs)
        finally:
            pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Cores that this task may use."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() else len(os.sched_getaffinity(0))


def write(job: Job) -> Shard:
    """Write one shard."""
    with without_collector():
        columns, counts = TASKS[job.task](read(job), job.settings)
        if not counts.records:
            return Shard(job.target.name, "", 0, counts)
        data = pack(columns)
    job.target.write_bytes(data)
    return Shard(job.target.name, hashlib.sha256(data).hexdigest(), len(data), counts)


@contextmanager
def without_collector() -> Iterator[None]:
    """Records form no cycles: looking for some among millions of tuples doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read(job: Job) -> list[Record]:
    """The records whose lines start in the job's range.

    Raises:
        DataError: a line is not a record.
    """
    decoder = msgspec.json.Decoder(Record)
    with job.source.open("rb") as file:
        start, block = lines(file, job.start, job.end)
    try:
        return decoder.decode_lines(block)
    except msgspec.DecodeError as error:
        raise DataError(
            f"{job.source}: the line at byte {start + broken(block, decoder)} is not an annotation "
            f"record: {error}. Give the file that `ingest` or `split` wrote."
        ) from error


def lines(file: BinaryIO, start: int, end: int) -> tuple[int, bytes]:
    """Where the first line that starts in a range of bytes starts, and all that do."""
    if start:
        # The line that the byte before belongs to is another range's.
        file.seek(start - 1)
        start += len(file.readline()) - 1
    if start >= end:
        return start, b""
    block = file.read(end - start)
    return start, block if block.endswith(b"\n") else block + file.readline()


def broken(block: bytes, decoder: msgspec.json.Decoder[Record]) -> int:
    """Where the first line starts that is not a record."""
    at = 0
    for line in block.splitlines(keepends=True):
        try:
            decoder.decode(line)
        except msgspec.DecodeError:
            break
        at += len(line)
    return at
