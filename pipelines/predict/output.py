"""An output that grows in pieces, each counted, so that another process can go on after a kill.

What is not whole yet lies beside the output under another name, with a file that says how much of
it counts. A piece is on the disk before it is counted, and what was written and not counted is cut
off: so nothing is lost, and nothing is there twice.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from components.errors import ConfigError
from components.files import allowed, read_json, remove, write_json

if TYPE_CHECKING:
    from spacy.tokens import Doc


class Output(Protocol):
    """Where rows go: a file or a folder."""

    def cut(self, size: int) -> None:
        """Forget what was written behind this size."""
        ...

    def add(self, rows: Sequence[Any]) -> int:
        """Write a piece, so that a power cut does not take it; return the size so far."""
        ...

    def finish(self) -> None:
        """Write what stands behind the last piece."""
        ...


class Lines:
    """A file of lines; its size is in bytes.

    Args:
        tail: its last line.
    """

    def __init__(self, path: Path, tail: bytes = b"") -> None:
        self._file = path.open("ab")
        self._tail = tail

    def cut(self, size: int) -> None:
        self._file.truncate(size)
        self._file.seek(size)

    def add(self, rows: Sequence[bytes]) -> int:
        self._file.writelines(rows)
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def finish(self) -> None:
        self.add([self._tail])
        self._file.close()


class Shards:
    """A folder of .spacy files; its size is the number of files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._count = 0

    def cut(self, size: int) -> None:
        self._count = size
        for number, shard in enumerate(sorted(self._folder.glob("*.spacy"))):
            if number >= size:
                shard.unlink()

    def add(self, rows: Sequence[Doc]) -> int:
        from spacy.tokens import DocBin

        path = self._folder / f"{self._count:06}.spacy"
        DocBin(docs=rows, store_user_data=True).to_disk(path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        self._count += 1
        return self._count

    def finish(self) -> None:
        """Nothing stands there."""


class Resumable:
    """An output on its way, and how far it has come.

    Args:
        path: the output.
        job: what decides its content: what is different may not go on behind it.
        folder: it is a folder of .spacy files.
        tail: the last line of a file.

    Attributes:
        done: what was counted: `texts` and whatever else the writer counts.

    Raises:
        ConfigError: the output is there, another process writes it, or a part of it is of another
            job.
    """

    def __init__(
        self, path: Path, job: Mapping[str, Any], *, folder: bool, tail: bytes = b""
    ) -> None:
        self._path, self._folder, self._tail = path, folder, tail
        self._part = path.with_name(f"{path.name}.part")
        self._state = path.with_name(f"{path.name}.part.json")
        self._job = dict(job)
        self.done: dict[str, Any] = {"texts": 0}

    @contextmanager
    def writing(self) -> Iterator[Output]:
        """The output, ready for what comes behind `done`; put in its place when the block ends."""
        self._refuse_another()
        with allowed(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            output: Output = Shards(self._part) if self._folder else Lines(self._part, self._tail)
            with self._alone():
                self._refuse_another()
                output.cut(self._begun())
                yield output
                output.finish()
                self._part.replace(self._path)
                remove(self._state)

    def count(self, size: int, **done: Any) -> None:
        """Write down that an output of this size holds what is done."""
        self.done = done
        write_json(self._state, {"job": self._job, "size": size, "done": done})

    def _refuse_another(self) -> None:
        if self._path.exists():
            raise ConfigError(
                f"{self._path}: is already there. Choose another name, or remove it first."
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes of this machine away from the same output."""
        part = os.open(self._part, os.O_RDONLY)
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ConfigError(
                f"{self._path}: another process is writing it. Wait for that, or choose another "
                "name."
            ) from error
        finally:
            os.close(part)

    def _begun(self) -> int:
        """The size that counts of what an earlier process wrote."""
        if not (self._state.exists() and self._part.exists()):
            return 0
        state = read_json(self._state)
        changed = [key for key in self._job if state["job"].get(key) != self._job[key]]
        if changed:
            raise ConfigError(
                f"{self._part}: was begun with another {' and '.join(changed)} than now. Go on as "
                f"it was begun, choose another output, or remove {self._part} and {self._state}."
            )
        self.done = state["done"]
        return int(state["size"])
