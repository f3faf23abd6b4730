"""The processes of a run: started, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from components.errors import RetrainError
from pipelines.local.runner import reaper
from pipelines.local.runner.launchers import Command

GRACE = 15.0


class CancelledError(RetrainError):
    """The run was stopped before the process could start."""


class Processes:
    """The running processes of a run. Use as a context; leaving it leaves none behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._stopping = False
        self._patience: threading.Timer | None = None

    def __enter__(self) -> Self:
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.kill()
        if self._patience:
            self._patience.cancel()
        assert self._reaper.stdin
        self._reaper.stdin.close()
        self._reaper.wait()

    def run(self, command: Command) -> int:
        """Run a command to its end; its output is appended to `command.log`.

        Returns:
            its exit code; 128 + the signal's number if a signal ended it.

        Raises:
            CancelledError: `stop` was called before it could start.
            OSError: the program cannot be started.
        """
        with command.log.open("ab") as log:
            process = self._start(command, log.fileno())
        code = process.wait()
        with self._lock:
            del self._running[process.pid]
            # What the task left behind ends with it, as in a container.
            _signal(process.pid, signal.SIGKILL)
            self._tell_reaper("-", process.pid)
        return code if code >= 0 else 128 - code

    def _start(self, command: Command, log: int) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopping:
                raise CancelledError("stopped before it started")
            process = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env={**os.environ, **command.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._running[process.pid] = process
            self._tell_reaper("+", process.pid)
            return process

    def stop(self) -> None:
        """Ask every process to end (SIGTERM); those that do not within GRACE seconds are killed."""
        with self._lock:
            self._stopping = True
            for group in self._running:
                _signal(group, signal.SIGTERM)
        if not self._patience:
            self._patience = threading.Timer(GRACE, self.kill)
            self._patience.start()

    def kill(self) -> None:
        """End every process at once (SIGKILL); none starts any more."""
        with self._lock:
            self._stopping = True
            for group in self._running:
                _signal(group, signal.SIGKILL)

    def _tell_reaper(self, change: str, group: int) -> None:
        assert self._reaper.stdin
        with suppress(OSError):  # a reaper that was killed is missed only if we are killed too
            os.write(self._reaper.stdin.fileno(), f"{change}{group}\n".encode("ascii"))


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
