"""Commands of retrain that were started from the app: a model's server, a deployment, a run."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from markupsafe import Markup

from pipelines.local.runner.launchers import Command
from pipelines.local.runner.processes import CancelledError, Processes
from pipelines.local.runs import now, tail
from pipelines.ui.site import fragment, url
from pipelines.ui.writing import RefusedError

MOST_RUNNING = 8
LOG_LINES = 60
READY = re.compile(r"^Ready: open (http://127\.0\.0\.1:\d+) ")


@dataclass
class Job:
    """A command that was started from the app.

    Attributes:
        arguments: what follows `retrain`.
        note: what becomes of it when the app ends.
        started: ISO 8601.
        stop: asks it to end; None where that would leave things half done.
        code: its exit code; None while it runs.
    """

    number: int
    title: str
    arguments: Sequence[str]
    note: str
    log: Path
    started: str = field(default_factory=now)
    stop: Callable[[], None] | None = None
    code: int | None = None

    @property
    def command(self) -> str:
        """As one would type it."""
        return typed(self.arguments)

    @property
    def url(self) -> str:
        return url("jobs", str(self.number))

    @property
    def address(self) -> str:
        """Where a server answers; "" while none does."""
        if self.code is not None:
            return ""
        said = map(READY.match, tail(self.log, LOG_LINES))
        return next((match[1] for match in said if match), "")

    def parts(self) -> dict[str, Markup]:
        """What changes on its page, as HTML by the id of its place."""
        return {
            "progress": fragment("job_progress.html", job=self),
            "log": fragment("job_log.html", lines=tail(self.log, LOG_LINES)),
        }


class Jobs:
    """The jobs of this app, and what they write. Its methods may be called by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder = TemporaryDirectory(prefix="retrain-ui-")
        self._all: list[Job] = []
        self._ending: list[Callable[[], None]] = []

    def every(self) -> list[Job]:
        """All of them, the last one first."""
        return self._all[::-1]

    def get(self, number: int) -> Job | None:
        """The job with a number, from 1."""
        return self._all[number - 1] if 1 <= number <= len(self._all) else None

    def serve(self, title: str, arguments: Sequence[str]) -> Job:
        """Start a command that ends with the app, however that ends.

        Raises:
            RefusedError: too many run already.
        """
        job = self._new(title, arguments, "It ends with retrain ui, or when it is stopped.")
        processes = Processes().__enter__()
        job.stop = processes.stop
        command = Command(argv_of(job), {}, Path.cwd(), "", [], Path(self._folder.name), job.log)

        def run() -> None:
            try:
                job.code = processes.run(command)
            except CancelledError:
                job.code = 128 + signal.SIGTERM
            finally:
                processes.__exit__(None, None, None)

        def end() -> None:
            processes.kill()
            thread.join()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._ending.append(end)
        return job

    def start(self, title: str, arguments: Sequence[str], *, may_stop: bool) -> Job:
        """Start a command that goes on when the app ends.

        Raises:
            RefusedError: too many run already.
        """
        job = self._new(title, arguments, "It goes on when retrain ui is stopped.")
        with job.log.open("ab") as log:
            process = subprocess.Popen(
                argv_of(job),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if may_stop:
            job.stop = lambda: interrupt(process)

        def wait() -> None:
            job.code = process.wait()

        threading.Thread(target=wait, daemon=True).start()
        return job

    def _new(self, title: str, arguments: Sequence[str], note: str) -> Job:
        with self._lock:
            if sum(job.code is None for job in self._all) >= MOST_RUNNING:
                raise RefusedError(409, f"{MOST_RUNNING} commands run already: stop one first.")
            number = len(self._all) + 1
            log = Path(self._folder.name) / f"{number}.log"
            log.touch()
            self._all.append(Job(number, title, arguments, note, log))
            return self._all[-1]

    def close(self) -> None:
        """End what ends with the app."""
        for end in self._ending:
            end()
        self._folder.cleanup()


def typed(arguments: Sequence[str]) -> str:
    """A command of retrain as one would type it."""
    return shlex.join(["retrain", *arguments])


def argv_of(job: Job) -> list[str]:
    """The program and its arguments."""
    return [sys.executable, "-m", "pipelines", *job.arguments]


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a command, and nothing that has got its number since, to end."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
