"""One task's command as a process: its log, its signals, and its end with the runner's."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from components.errors import RetrainError
from pipelines import reaper

GRACE = 15.0


@dataclass(frozen=True)
class Command:
    """What a task runs and what it may touch.

    Attributes:
        argv: the command; every path in it is absolute.
        environment: variables beside those that the runner itself has.
        cwd: folder that relative paths in the task's values are relative to.
        image: name of the container image that the spec gives.
        reads: files and folders of the inputs that lie on this machine.
        writes: the task's own folder: outputs, executor output file, progress file.
        log: file that stdout and stderr are appended to.
    """

    argv: list[str]
    environment: Mapping[str, str]
    cwd: Path
    image: str
    reads: list[Path]
    writes: Path
    log: Path

    def by_hand(self) -> str:
        """The command as a line for a shell."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        line = " ".join([*variables, *(shlex.quote(word) for word in self.argv)])
        return f"cd {shlex.quote(str(self.cwd))} && {line}"


class Launcher(Protocol):
    """Where a task's command runs: the seam for containers.

    The runner always starts one process per attempt (`Command.argv`), in its own process group,
    sends it SIGTERM to stop it and takes its exit code as the task's. A launcher says what that
    process is: `launch(command)` is entered before the process starts, yields the command to start
    instead (for a container: the engine's `run` with `command.reads` mounted read-only at the same
    paths and `command.writes` writable), and is left after it ended, however it ended.
    """

    def launch(self, command: Command) -> AbstractContextManager[Command]: ...


class ThisMachine:
    """Runs commands as they are, with this interpreter for `python`."""

    def launch(self, command: Command) -> AbstractContextManager[Command]:
        program, *arguments = command.argv
        if program in ("python", "python3"):
            program = sys.executable
        environment = {
            # The stages run the code of this checkout, whatever lies in the config's folder.
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": str(Path(__file__).parents[1]),
            **command.environment,
        }
        argv = [program, *arguments]
        return nullcontext(Command(**{**vars(command), "argv": argv, "environment": environment}))


class CancelledError(RetrainError):
    """The run was stopped before the process could start."""


class Processes:
    """The running processes of a run. Use as a context; leaving it leaves none behind."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # signal handlers may come in at any line
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def __enter__(self) -> Self:
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__],
            stdin=subprocess.PIPE,
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
        timer = threading.Timer(GRACE, self.kill)
        timer.daemon = True
        timer.start()

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
