"""A file of records in, a folder of `.spacy` files and its manifest out.

A shard holds the records whose lines start in one range of bytes of the file. So its content does
not depend on which process writes it or when, and no process holds more than a few in memory.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.convert.columns import to_columns
from components.convert.counts import Counts
from components.convert.docbin import compress, message
from components.convert.rows import read_rows
from components.convert.settings import ConvertSettings
from components.cores import available_cores
from components.memory import keep_freed_memory
from components.tasks import task_of
from components.tasks.base import TaskSettings

MEGABYTE = 10**6
# Records that are converted in about the second that a process takes to start and import spaCy.
WORTH_A_PROCESS = 50 * MEGABYTE


@dataclass(frozen=True)
class Job:
    """One shard: the range of bytes of a file of records, and the file to write."""

    source: Path
    start: int
    end: int
    target: Path
    tasks: tuple[TaskSettings, ...]
    settings: ConvertSettings


@dataclass(frozen=True)
class Shard:
    """A shard that has been written; `sha256` and `size` are '' and 0 when it had no records."""

    file: str
    sha256: str
    size: int
    counts: Counts


def jobs(
    source: Path, folder: Path, tasks: tuple[TaskSettings, ...], settings: ConvertSettings
) -> list[Job]:
    """Cut a file of records into shards."""
    size = settings.shard_megabytes * MEGABYTE
    return [
        Job(source, start, start + size, folder / f"{number:05}.spacy", tasks, settings)
        for number, start in enumerate(range(0, source.stat().st_size, size))
    ]


def write_all(jobs: list[Job], workers: int) -> Iterator[Shard]:
    """Write shards in several processes; yield them in the order of the jobs.

    Args:
        workers: processes; 0: as many as there are cores, if the records are worth starting them.
    """
    total = sum(min(job.end, job.source.stat().st_size) - job.start for job in jobs)
    workers = min(workers or min(cores(), total // WORTH_A_PROCESS), len(jobs))
    if workers <= 1:
        keep_freed_memory()
        yield from write_in_turn(jobs)
        return
    # Not fork: the parent may have threads (NumPy's), which fork does not carry over. The server
    # imports spaCy once, and its forks have it.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(workers, context, keep_freed_memory) as pool:
        try:
            yield from pool.map(write, jobs)
        finally:
            pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Cores that this task may use."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() else available_cores()


@contextmanager
def without_collector() -> Iterator[None]:
    """Records form no cycles: looking for some takes longer than reading them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def write_in_turn(jobs: list[Job]) -> Iterator[Shard]:
    """Write shards in this process; where there is another core, it compresses them meanwhile."""
    if cores() == 1:
        yield from map(write, jobs)
        return
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[Shard]] = deque()
        for job in jobs:
            waiting.append(thread.submit(store, job, *convert(job)))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        for last in waiting:
            yield last.result()


def write(job: Job) -> Shard:
    """Write one shard."""
    return store(job, *convert(job))


@without_collector()
def convert(job: Job) -> tuple[bytes, Counts]:
    """The content of one shard, and what it was made of; b"" without records."""
    rows = read_rows(job.source, job.start, job.end)
    if not rows:
        return b"", Counts()
    columns, counts = to_columns(rows, [task_of(task) for task in job.tasks], job.settings)
    return message(columns), counts


def store(job: Job, content: bytes, counts: Counts) -> Shard:
    """Write the file of one shard, if it has any content."""
    if not content:
        return Shard(job.target.name, "", 0, counts)
    data = compress(content)
    job.target.write_bytes(data)
    return Shard(job.target.name, hashlib.sha256(data).hexdigest(), len(data), counts)
