"""Everything that tells how a run went, as one file to download: logs, curves, scores, reports."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from fastapi.responses import StreamingResponse

from pipelines.local.runs import RunRecord, TaskRecord, now
from pipelines.ui import live
from pipelines.ui.site import HEADERS, Site

# Output of a stage -> what it is called in the archive; `log` is a folder: the training's own log,
# the curve of each task (history.jsonl) and TensorBoard's files.
OUTPUTS = {
    "log": "log",
    "scores": "scores.json",
    "gate_decision": "gate_decision.json",
    "data_report": "data_report.json",
    "report": "report.html",
}
CHUNK = 1 << 20  # bytes
LISTING = "contents.txt"


class Sent:
    """A file that `ZipFile` writes and never seeks in: holds only what was not yet sent."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes, /) -> int:
        """Hold some bytes."""
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing to do: who reads asks."""

    def close(self) -> None:
        """Nothing to do: what waits is still to be sent."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def archive(site: Site, record: RunRecord, phase: str = "") -> Iterator[bytes]:
    """The bytes of a ZIP of what lies among the runs, packed while they are sent.

    The last file, `contents.txt`, says what became of each task, which files there are, and which
    are not and why. A file that grows meanwhile is as long as it was when its turn came.

    Args:
        phase: only its tasks; "" for all.
    """
    tasks = [task for task in record.tasks.values() if not phase or task.branch == phase]
    sent, packed_files, absent = Sent(), [], []
    with ZipFile(sent, "w", ZIP_DEFLATED) as packed:
        for path, name in files_of(site, record, tasks):
            file = opened(path, name, site.records.out)
            if isinstance(file, str):
                absent.append(f"{name}: {file}")
                continue
            with file:
                yield from add(packed, sent.take, file, f"{record.id}/{name}")
            packed_files.append(f"{packed.infolist()[-1].file_size:>14,}  {name}")
        listing = contents(record, tasks, packed_files, absent)
        packed.writestr(f"{record.id}/{LISTING}", listing.encode("utf-8", "backslashreplace"))
    yield sent.take()


def as_archive(packed: Iterator[bytes], name: str) -> StreamingResponse:
    """A ZIP to download; a run may be called by any letters, a header holds only some."""
    kept = f"attachment; filename*=utf-8''{quote(f'{name}.zip')}"
    headers = {**HEADERS, "Content-Disposition": kept}
    return StreamingResponse(packed, media_type="application/zip", headers=headers)


def add(packed: ZipFile, take: Callable[[], bytes], file: BinaryIO, name: str) -> Iterator[bytes]:
    """Pack a file; the bytes of the archive that this gives."""
    status = os.fstat(file.fileno())
    # A ZIP knows no time before 1980, and what a bucket has copied may be of 1970.
    changed = max(time.localtime(status.st_mtime)[:6], (1980, 1, 1, 0, 0, 0))
    info = ZipInfo(name, changed)
    info.compress_type, info.file_size = packed.compression, status.st_size
    info.external_attr = 0o644 << 16
    left = status.st_size
    with packed.open(info, "w") as entry:
        while left and (chunk := file.read(min(CHUNK, left))):
            entry.write(chunk)
            left -= len(chunk)
            yield take()


def opened(path: Path, name: str, out: Path) -> BinaryIO | str:
    """A file to be packed, or why it is not."""
    if "\\" in name or not name.isprintable() or ".." in PurePosixPath(name).parts:
        return "not a name that every system can unpack"
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(out):
        return f"it does not lie in {out}"
    try:
        # To open a pipe would wait for who writes to it.
        return real.open("rb") if stat.S_ISREG(real.stat().st_mode) else "it is no file"
    except FileNotFoundError:
        return "it is not there: not yet written, or deleted"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def files_of(site: Site, record: RunRecord, tasks: list[TaskRecord]) -> Iterator[tuple[Path, str]]:
    """Each file that there is or should be, with its name in the archive."""
    for task in tasks:
        if task.log:
            yield site.records.out / task.log, f"logs/{task.task.replace('/', '.')}.log"
        for output, path in outputs_of(site, record, task).items():
            name = f"{task.task}/{OUTPUTS[output]}"
            # Nothing is looked for elsewhere, not even its names.
            if path.is_dir() and path.resolve().is_relative_to(site.records.out):
                for one in sorted(path.rglob("*")):
                    if one.is_symlink() or not one.is_dir():
                        yield one, f"{name}/{one.relative_to(path).as_posix()}"
            else:
                yield path, name


def outputs_of(site: Site, record: RunRecord, task: TaskRecord) -> dict[str, Path]:
    """The outputs of a task that belong to the archive."""
    found = {
        output: Path(task.artifacts[output].uri) for output in OUTPUTS if output in task.artifacts
    }
    log = live.training_log(site.out, record.id, task)
    return {**found, "log": log} if log else found


def contents(
    record: RunRecord, tasks: list[TaskRecord], files: list[str], absent: list[str]
) -> str:
    """What the archive says of itself."""
    parts = [
        [f"Run {record.id}: {record.state}. Packed {now()}."],
        ["Tasks:", *(f"  {task.task}: {task.state}" for task in tasks)],
        ["Files (bytes, name):", *files],
        ["Not in here:", *(f"  {one}" for one in absent)] if absent else [],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
