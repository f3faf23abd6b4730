"""Where a task's command runs: the seam between the local runner and containers."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from components.registry.lineage import IMAGE_VARIABLE
from pipelines.local.runner.code import code_digest, versions
from pipelines.local.runner.spec import Container

_CHECKOUT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Command:
    """What a task runs and what it may touch.

    Attributes:
        argv: the command; paths of inputs and outputs in it are absolute.
        environment: variables beside those that the runner itself has.
        cwd: the config's folder: relative paths in a task's parameters (annotations, a registry)
            are relative to it.
        image: name of the container image, as the spec gives it.
        reads: input artifacts that lie on this machine, at the paths by which `argv` names them. A
            reused one is a link into an older run.
        writes: the task's own folder: its outputs, executor output file and progress file.
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
    """Turns a task's command into the process to start.

    The runner starts one process per attempt, in a process group of its own, with the log as its
    stdout and stderr; SIGTERM to the group asks it to stop, SIGKILL follows; its exit code is the
    task's. A container engine's `run` in the foreground is such a process.
    """

    def identity(self, container: Container, kinds: Sequence[str]) -> Any:
        """What runs when this command is launched, as JSON: part of the cache's key.

        Code and libraries here, with the modules of the kinds of tasks; the digest of the image
        for a container.
        """

    def launch(self, command: Command) -> AbstractContextManager[Command]:
        """Entered before an attempt and left after it, however it ended.

        Yields the command to start in its place: for a container, the engine's `run` with
        `reads` (what they link to) read-only and `writes` writable, at the same paths.
        """


class ThisMachine:
    """Runs commands as they are, with this interpreter for `python`."""

    def __init__(self) -> None:
        # Looked up here, since it imports: a Ctrl-C that Python swallowed in the main thread while
        # that was importing makes an import in any other thread wait forever.
        self._versions = versions()

    def identity(self, container: Container, kinds: Sequence[str]) -> Any:
        return [code_digest(container.command, kinds), self._versions]

    def launch(self, command: Command) -> AbstractContextManager[Command]:
        program, *arguments = command.argv
        # No image is used here, so none must be named.
        kept = {k: v for k, v in command.environment.items() if k != IMAGE_VARIABLE}
        if program in ("python", "python3"):
            program = sys.executable
        environment = {
            # Stages run the code of this checkout, whatever lies in the config's folder.
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": os.pathsep.join([str(_CHECKOUT), *_python_path()]),
            **kept,
        }
        return nullcontext(replace(command, argv=[program, *arguments], environment=environment))


def _python_path() -> list[str]:
    """What the user has put there: custom code of a training config may need it."""
    return [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
