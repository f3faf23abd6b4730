"""Runs on this machine: what a run folder holds, and reading it back.

runs/<id>/run.json               RunRecord, rewritten whole at each change of state
runs/<id>/spec.yaml              what was run
runs/<id>/logs/<task>.log        stdout and stderr of every attempt ("phase-1.train.log")
runs/<id>/logs/<task>.sh         the command of the last one
runs/<id>/<phase>/<stage>/<output>
runs/cache/                      see pipelines/local/runner/cache.py
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from components.errors import ConfigError, DataError
from components.files import remove, writing

RECORD = "run.json"
PAGE = "index.html"  # of all runs, in their folder
# Begins the line that stands above every attempt in a log.
ATTEMPT = "--- attempt"
_LOCK = ".running"
# Room for run.json when the disk is full, so that it can still say that the run has failed.
_RESERVE, _RESERVE_BYTES = ".reserve", 1 << 17

State = Literal[
    "pending", "running", "reused", "succeeded", "failed", "cancelled", "skipped", "not-run"
]
RunState = Literal["running", "succeeded", "failed", "cancelled", "interrupted"]


class Artifact(msgspec.Struct, frozen=True):
    """An output on disk or elsewhere.

    Attributes:
        uri: in run.json a path of this machine is relative to the run's folder where it lies among
            the runs, so that they can be moved; it is absolute once read.
        digest: SHA-256 over the content; None where the content cannot be read from here (a URI
            of a remote service), "absent" where the task wrote nothing but metadata.
    """

    name: str
    uri: str
    schema_title: str
    schema_version: str
    metadata: dict[str, Any] = {}
    digest: str | None = None


class TaskRecord(msgspec.Struct):
    """One task of a run.

    Attributes:
        task: labels from the top, "phase-1/train".
        reused_from: the run whose outputs were taken, for a reused task.
        log: its log, relative to the folder of all runs; for a reused task that of the older run.
        started, ended: ISO 8601 with offset.
        note: why it was skipped, not run or run again.
    """

    task: str
    state: State = "pending"
    started: str | None = None
    ended: str | None = None
    attempts: int = 0
    exit_code: int | None = None
    reused_from: str | None = None
    log: str | None = None
    note: str = ""
    parameters: dict[str, Any] = {}
    artifacts: dict[str, Artifact] = {}

    @property
    def branch(self) -> str:
        """The top-level branch (the phase), "" for a task that stands alone."""
        return self.task.partition("/")[0] if "/" in self.task else ""

    @property
    def stage(self) -> str:
        """The task's name in its branch."""
        return self.task.removeprefix(f"{self.branch}/")

    @property
    def seconds(self) -> float | None:
        """How long it ran (or has been running)."""
        return seconds_between(self.started, self.ended) if self.started else None

    @property
    def waits(self) -> str:
        """Why its phase is not to be trained now, as `ingest` decided; "" for any other task."""
        # `due` was a task of its own once.
        decides = self.stage in ("ingest", "due") and self.parameters.get("decision") == "wait"
        return str(self.parameters["why"]) if decides else ""


class Production(msgspec.Struct):
    """What is in production of a phase's model, as the registry said when the run ended.

    Attributes:
        name, alias: of the model.
        registry: a folder, relative to the run's, or the address of a service.
        version: its number; "" for none, None where the registry did not say.
        by: who put it there.
        unknown: why it did not say.
    """

    name: str
    alias: str
    registry: str
    version: str | None = None
    by: str = ""
    unknown: str = ""


class RunRecord(msgspec.Struct):
    """A run: the content of run.json.

    Attributes:
        name: what the run id ends with, by default the config's name.
        config: path of the config file, as given.
        command: the command line that started it; empty for a run that a program started.
        spec_digest: SHA-256 of spec.yaml.
        pid: process id of the runner.
        threads: cores that each task may use.
        production: by phase; a version of None and no `unknown`: the run did not end.
    """

    id: str
    name: str
    config: str
    spec_digest: str
    parameters: dict[str, Any]
    started: str
    pid: int
    workers: int
    threads: int
    tasks: dict[str, TaskRecord]
    command: str = ""
    state: RunState = "running"
    ended: str | None = None
    exit_code: int | None = None
    production: dict[str, Production] = {}
    version: int = 2  # 1 had absolute paths

    @property
    def seconds(self) -> float:
        """How long it ran (or has been running)."""
        return seconds_between(self.started, self.ended)

    @property
    def is_curve(self) -> bool:
        """Whether it is a learning curve, which retrains nothing."""
        # The stage had another name once.
        return any(task.stage in ("subsample", "portion") for task in self.tasks.values())


def now() -> str:
    """The time as the records hold it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def seconds_between(started: str, ended: str | None) -> float:
    """From one recorded time to another, or to now."""
    end = datetime.fromisoformat(ended) if ended else datetime.now(UTC)
    return (end - datetime.fromisoformat(started)).total_seconds()


def log_path(run: Path, task: str) -> Path:
    """Where the log of a task of a run lies."""
    return run / "logs" / f"{task.replace('/', '.')}.log"


@contextmanager
def new_run(out: Path, name: str) -> Iterator[Path]:
    """Make a run folder with an id that sorts by time; it counts as running inside the context."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    slug = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    folder = _make_unique(out, f"{stamp}-{slug}")
    with (folder / _LOCK).open("w") as lock:
        # The kernel drops the lock however we end: so a reader can tell a dead run from a live one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            (folder / _RESERVE).write_bytes(bytes(_RESERVE_BYTES))
            yield folder
        finally:
            release_reserve(folder)
            if not (folder / RECORD).exists():  # it never began: a full disk
                remove(folder)


def release_reserve(folder: Path) -> None:
    """Give the room back that a run has kept for its record."""
    (folder / _RESERVE).unlink(missing_ok=True)


def _make_unique(out: Path, base: str) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = out / (base if number == 1 else f"{base}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            (folder / "logs").mkdir()
            return folder


def write_record(folder: Path, record: RunRecord) -> None:
    """Write run.json whole."""
    kept = msgspec.structs.replace(record, tasks=_moved(record.tasks, folder, _to_keep))
    with writing(folder / RECORD) as path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1))


def _moved(
    tasks: dict[str, TaskRecord], folder: Path, place: Callable[[str, Path], str]
) -> dict[str, TaskRecord]:
    """The tasks with their artifacts at other paths."""
    replace = msgspec.structs.replace
    return {
        name: replace(
            task,
            artifacts={
                output: replace(artifact, uri=place(artifact.uri, folder.absolute()))
                for output, artifact in task.artifacts.items()
            },
        )
        for name, task in tasks.items()
    }


def _to_keep(uri: str, folder: Path) -> str:
    """Relative to the run, if it lies among the runs."""
    return os.path.relpath(uri, folder) if Path(uri).is_relative_to(folder.parent) else uri


def _to_use(uri: str, folder: Path) -> str:
    """Absolute."""
    return uri if "://" in uri else os.path.normpath(folder / uri)


def read_record(folder: Path) -> RunRecord:
    """Read a run; one whose runner died is `interrupted`, as are the tasks it was running.

    Raises:
        DataError: run.json is missing or is not one of ours.
    """
    path = folder / RECORD
    try:
        record = msgspec.json.decode(path.read_bytes(), type=RunRecord)
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: not readable as a run ({error})") from error
    record.tasks = _moved(record.tasks, folder, _to_use)
    if record.state == "running" and not _is_running(folder):
        record.state = "interrupted"
        record.ended = _last_change(folder)
        for task in record.tasks.values():
            if task.state == "running":
                task.state, task.ended = "cancelled", record.ended
    return record


def list_runs(out: Path) -> list[RunRecord]:
    """The runs in a folder, newest first; folders that hold no readable run are left out."""
    records = newest([path.parent for path in out.glob(f"*/{RECORD}")])
    return sorted(records, key=lambda record: (record.started, record.id), reverse=True)


def newest(folders: Iterable[Path]) -> Iterator[RunRecord]:
    """Yield the runs that can be read, by the names of their folders, newest first."""
    for folder in sorted(folders, reverse=True):
        with suppress(DataError):
            yield read_record(folder)


def find_run(out: Path, reference: str) -> Path:
    """The folder of a run by its id, by an unambiguous part of its id, or "latest".

    The latest is the newest retrain: a learning curve goes by its id.

    Raises:
        ConfigError: no run, or several, go by that name.
    """
    folders = sorted(path.parent for path in out.glob(f"*/{RECORD}"))
    if reference == "latest":
        retrains = (record.id for record in newest(folders) if not record.is_curve)
        if run := next(retrains, None):
            return out / run
        raise ConfigError(f"{out}: there is no run yet. Start one: retrain run CONFIG")
    exact = [folder for folder in folders if folder.name == reference]
    matches = exact or [folder for folder in folders if reference in folder.name]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(folder.name for folder in matches[-5:]) or "none"
    raise ConfigError(
        f"{out}: {reference!r} must name one run; it matches: {names}. "
        "`retrain runs list` shows them all."
    )


def find_task(record: RunRecord, reference: str) -> TaskRecord:
    """A task of a run by its path ("phase-1/train"), its log's name or its unambiguous stage.

    Raises:
        ConfigError: no task, or several, go by that name.
    """
    wanted = reference.replace(".", "/")
    tasks = record.tasks.values()
    exact = [task for task in tasks if reference == task.task or wanted == task.task]
    matches = exact or [task for task in tasks if task.task.endswith(f"/{wanted}")]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(task.task for task in matches or tasks)
    raise ConfigError(f"run {record.id}: {reference!r} must name one task of: {names}")


def output_of(record: RunRecord, task: TaskRecord, name: str) -> Path:
    """Where an output of a task lies.

    Raises:
        DataError: the task has none, or it was deleted.
    """
    if name not in task.artifacts:
        raise DataError(f"run {record.id}: {task.task} has left no {name} ({task.state}).")
    path = Path(task.artifacts[name].uri)
    if not path.exists():
        maker = f", which run {task.reused_from} had made" if task.reused_from else ""
        raise DataError(f"run {record.id}: the {name} of {task.task}{maker}, is gone: {path}")
    return path


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log; [] if there is none.

    Reads at most 4 KiB per line from the end, so that a huge log costs nothing.
    """
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 4096 * lines))
        text = file.read().decode("utf-8", errors="replace")
    return text.splitlines()[-lines:]


def _is_running(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _last_change(folder: Path) -> str:
    changed = (folder / RECORD).stat().st_mtime
    return datetime.fromtimestamp(changed, UTC).isoformat(timespec="milliseconds")
