"""What a watch must not forget when it is killed, a file for each phase.

A retrain is written down before it starts, with the annotations that made it due, and they count
as known once it has ended. So a retrain that was killed is started again, and one that has ended
is not.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from components.errors import ConfigError, DataError
from components.files import writing
from pipelines.watching.annotations import Keys

VERSION = 1


class Memory(msgspec.Struct, frozen=True):
    """What is known of a phase.

    Attributes:
        known: the annotations that a retrain has had; None before any has ended here.
        started: those for which one was started that has not ended; None if there is none.
        failed: the last one failed, so that it is no work of its that is to be found again.
    """

    known: dict[str, list[str]] | None = None
    started: dict[str, list[str]] | None = None
    failed: bool = False
    version: int = VERSION


def listed(keys: Keys) -> dict[str, list[str]]:
    """Keys as a memory holds them."""
    return {task: sorted(some) for task, some in keys.items()}


def as_keys(held: dict[str, list[str]]) -> Keys:
    """Keys that a memory held."""
    return {task: frozenset(some) for task, some in held.items()}


def recall(file: Path) -> Memory:
    """What `memorise` wrote last; nothing where it never did.

    Raises:
        DataError: the file is damaged.
    """
    try:
        memory = msgspec.json.decode(file.read_bytes(), type=Memory)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(
            f"{file}: cannot be read as what `retrain watch` remembers: {error}. Delete it: what "
            "is new is then counted from the model in production."
        ) from error
    if memory.version != VERSION:
        raise DataError(f"{file}: version {memory.version} is not known here. Delete it.")
    return memory


def memorise(file: Path, memory: Memory) -> None:
    """Remember, whole or not at all."""
    with writing(file) as temporary:
        temporary.write_bytes(msgspec.json.encode(memory) + b"\n")


@contextmanager
def alone(file: Path, what: str) -> Iterator[None]:
    """Keep other processes from watching the same.

    Raises:
        ConfigError: one does.
    """
    with locked(file, block=False) as lock:
        if lock is None:
            raise ConfigError(f"{what} is being watched already, by another `retrain watch`.")
        yield


@contextmanager
def locked(file: Path, *, block: bool = True) -> Iterator[int | None]:
    """Hold a lock that the system gives back when the last process that has it open ends.

    Yields:
        its descriptor, which a child may inherit; None if another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(file, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if block else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        yield lock
    finally:
        os.close(lock)
