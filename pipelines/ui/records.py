"""The runs in a folder, read again only where they have changed: a page must open at once."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from components.errors import DataError
from pipelines.local.runs import RECORD, RunRecord, read_record
from pipelines.results.history import Entry, entries_of
from pipelines.results.outcome import PhaseOutcome, outcomes

Value = TypeVar("Value")
# Of a run that has not come to its end a registry is asked, which may be far away.
ASK_AGAIN = 10.0
MOST_KEPT = 4_000


@dataclass(frozen=True)
class Kept:
    """What was made of a run's record, and when; `signature` says of which one."""

    signature: tuple[int, int]
    time: float
    value: Any


class Records:
    """The runs in the folder `out`. Its methods may be called by several threads."""

    def __init__(self, out: Path) -> None:
        self.out = out.resolve()
        self._kept: dict[tuple[str, str], Kept] = {}
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def ids(self) -> list[str]:
        """Their ids, newest first; those that cannot be read are among them."""
        try:
            names = {path.name for path in self.out.iterdir()}
        except OSError:
            return []
        # A thousand files need not be asked for each page: what was a run once is one.
        seen = self._seen & names
        seen |= {name for name in names - seen if (self.out / name / RECORD).is_file()}
        self._seen = seen
        return sorted(seen, reverse=True)

    def __contains__(self, run: str) -> bool:
        # Anything else could name a file that is no run.
        return bool(re.fullmatch(r"\w[\w.-]*", run)) and (self.out / run / RECORD).is_file()

    def get(self, run: str) -> RunRecord:
        """The record of a run.

        Raises:
            DataError: it cannot be read.
        """
        # Whether one that runs was killed is not in its file: see `read_record`.
        return self._cached("record", run, read_record, lambda record: record.state != "running")

    def outcomes(self, run: str) -> dict[str, PhaseOutcome]:
        """What became of each phase of a run."""
        record = self.get(run)
        return self._cached(
            f"outcomes {record.state}",
            run,
            lambda folder: outcomes(folder, record),
            lambda _: over(record),
            ASK_AGAIN,
        )

    def entries(self, run: str, number: int) -> list[Entry]:
        """The lines of the history about a run.

        Raises:
            DataError: its record cannot be read.
        """
        record = self.get(run)
        return self._cached(
            f"entries {number} {record.state}",
            run,
            lambda _: entries_of(self.out, record, number),
            lambda _: over(record),
            ASK_AGAIN,
        )

    def signature(self, run: str) -> tuple[int, int]:
        """What changes when a run's record does.

        Raises:
            DataError: there is none.
        """
        return signature_of(self.out / run / RECORD)

    def readable(self, runs: list[str]) -> list[RunRecord]:
        """The records of those that can be read."""
        records = []
        for run in runs:
            try:
                records.append(self.get(run))
            except DataError:
                continue
        return records

    def _cached(
        self,
        kind: str,
        run: str,
        make: Callable[[Path], Value],
        is_final: Callable[[Value], bool],
        seconds: float = 0.0,
    ) -> Value:
        """What `make` makes of a run, from before if its record has not changed since.

        Args:
            is_final: whether a value stays true as long as the record does; others are made again
                after some seconds.
        """
        signature = self.signature(run)
        kept = self._kept.get((kind, run))
        if kept and kept.signature == signature:
            value: Value = kept.value
            if is_final(value) or time.monotonic() - kept.time < seconds:
                return value
        made = make(self.out / run)
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[kind, run] = Kept(signature, time.monotonic(), made)
        return made


def over(record: RunRecord) -> bool:
    """Whether a run has ended, and its record says what was in production then."""
    kept = record.production.values()
    return record.state != "running" and all(one.version is not None or one.unknown for one in kept)


def signature_of(path: Path) -> tuple[int, int]:
    """What changes with a file.

    Raises:
        DataError: there is none.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path}: there is no such run ({error.strerror}).") from error
    return status.st_mtime_ns, status.st_size
