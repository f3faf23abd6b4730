"""The cache: what a task made, under a key of everything that it depends on.

    runs/cache/<key>.json     Entry: which run made the outputs, and their digests
    runs/cache/locks/<key>    held while a task of that key runs, so that two runs share the work

An entry points at the run that did the work. It counts only while those outputs are still what they
were; otherwise the task runs again and says so.
"""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from components.files import writing
from pipelines.local.runner.digests import content_digest
from pipelines.local.runner.graph import Node
from pipelines.local.runner.processes import CancelledError
from pipelines.local.runner.spec import Container
from pipelines.local.runs import Artifact

_POLL_SECONDS = 0.2


class Output(msgspec.Struct, frozen=True):
    """An output artifact of the task that made the entry.

    Attributes:
        path: where it lies, relative to the folder of all runs; None for one that lies elsewhere
            (its `artifact.uri` was set by the task).
    """

    artifact: Artifact
    path: str | None


class Entry(msgspec.Struct, frozen=True):
    """What a task made, and in which run."""

    key: str
    run: str
    task: str
    log: str
    parameters: dict[str, Any]
    outputs: dict[str, Output]


class Cache:
    """The cache of a folder of runs."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._folder = runs / "cache"
        (self._folder / "locks").mkdir(parents=True, exist_ok=True)

    def find(self, key: str) -> tuple[Entry | None, str]:
        """The entry of a key if its outputs are still what they were, and why not otherwise."""
        path = self._path(key)
        try:
            entry = msgspec.json.decode(path.read_bytes(), type=Entry)
        except FileNotFoundError:
            return None, ""
        except (OSError, msgspec.MsgspecError):
            return None, "its cache entry cannot be read; running again"
        if entry.key != key:
            return None, "its cache entry belongs to another task; running again"
        for name, output in entry.outputs.items():
            if not self._still_holds(output):
                return (
                    None,
                    f"output {name} of run {entry.run} has changed or is gone; running again",
                )
        return entry, ""

    def store(self, entry: Entry) -> None:
        """Keep an entry, in place of an older one of the same key."""
        with writing(self._path(entry.key)) as path:
            path.write_bytes(msgspec.json.encode(entry))

    @contextmanager
    def lock(
        self, key: str, stopped: threading.Event, waiting: Callable[[], None]
    ) -> Iterator[None]:
        """Hold the lock of a key; `waiting` is called once if somebody else has it.

        Raises:
            CancelledError: `stopped` was set while waiting.
        """
        with (self._folder / "locks" / key).open("w") as file:
            notified = False
            while not _try_lock(file.fileno()):
                if not notified:
                    waiting()
                    notified = True
                if stopped.wait(_POLL_SECONDS):
                    raise CancelledError("stopped while another run did the same work")
            yield

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def location(self, output: Output) -> Path:
        """Where an output lies."""
        return self._runs / output.path if output.path else Path(output.artifact.uri)

    def _still_holds(self, output: Output) -> bool:
        # Its bytes, since size and times survive a bad disk: 0.06 s for a model of 100 MB.
        with suppress(OSError):
            return content_digest(self.location(output)) == output.artifact.digest
        return False


class Key(Protocol):
    """The key of a task with these inputs; None if it cannot be cached."""

    def __call__(
        self,
        node: Node,
        parameters: Mapping[str, Any],
        artifacts: Mapping[str, Artifact],
        identity: Any,
    ) -> str | None: ...


def content_key(
    node: Node, parameters: Mapping[str, Any], artifacts: Mapping[str, Artifact], identity: Any
) -> str | None:
    """The key that this machine goes by.

    It covers the command, the component's definition, the input values, the content of the input
    artifacts and, in `identity`, the code that runs (see `launchers.Launcher`).
    """
    if any(artifact.digest is None for artifact in artifacts.values()):
        return None
    assert isinstance(node.body, Container)
    parts = {
        "command": [*node.body.command, *node.body.args],
        "environment": node.body.env,
        "inputs": node.inputs,
        "outputs": node.outputs,
        "parameters": parameters,
        "artifacts": {
            name: [artifact.digest, artifact.metadata] for name, artifact in artifacts.items()
        },
        "identity": identity,
    }
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
