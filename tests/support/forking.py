"""Python processes that start in a moment: forks of a server that has the heavy imports done.

In the tests, `[sys.executable, "-m", NAME, …]` with NAME one of MODULES and, where it imports ours,
`-c` start in some 50 ms instead of seconds; whoever starts them goes through `subprocess` as ever.
The workers of `pytest -n` are such processes, so that all imports are done once.
Processes whose environment changes what an import does are started afresh, and so is every process
inside `fresh()` or where RETRAIN_TESTS_FRESH is set.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.fork_server import CHILD_SUBREAPER
from tests.support.fork_server import __file__ as SERVER

ROOT = Path(__file__).parents[2]
FRESH = "RETRAIN_TESTS_FRESH"
MODULES = ("components", "containers.serve", "pipelines", "scripts.gpu_check")
# How execnet starts a worker of `pytest -n`.
WORKER = ["-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"]
# What a module that the server has imported may have read meanwhile. Threads are set after a fork.
READ_BY_IMPORTS = ("HF_", "PYTHON", "TRANSFORMERS_", "_KFP_")
NOT_READ_BY_IMPORTS = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUNBUFFERED")
THREADS = ("BLIS", "MKL", "OMP", "OPENBLAS")

_start_afresh = subprocess._fork_exec  # type: ignore[attr-defined]
_lock = threading.Lock()
_server: socket.socket | None = None
_server_environment: dict[str, str] = {}


def use(server: socket.socket | None = None) -> None:
    """From now on, let `subprocess` fork what can be; the server starts when it is needed.

    Args:
        server: one that runs already: a forked process has its own.
    """
    global _server, _server_environment
    if server:
        _server = server
        _server_environment = read_by_imports(dict(os.environ))
    subprocess._fork_exec = _fork_or_start  # type: ignore[attr-defined]


@contextmanager
def fresh() -> Iterator[None]:
    """Start every process afresh for a while, also those that they start."""
    os.environ[FRESH] = "1"
    try:
        yield
    finally:
        del os.environ[FRESH]


def read_by_imports(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(READ_BY_IMPORTS) and name not in NOT_READ_BY_IMPORTS
    }


# The parameters of CPython's _fork_exec, by their places: the same in 3.11 and 3.12.
def _fork_or_start(args: Any, executables: Any, close_fds: bool, keep: Any, *rest: Any) -> int:
    cwd, listed, stdin, _, _, stdout, _, stderr, _, errors, _, new_session, group, *others = rest
    argv = [os.fsdecode(word) for word in args]
    environment = (
        dict(os.environ)
        if listed is None
        else dict(os.fsdecode(line).split("=", 1) for line in listed)
    )
    folder = str(Path(os.fsdecode(cwd or ".")).absolute())
    plain = close_fds and group == -1 and all(each in (None, -1) for each in others[:5])
    if not (
        plain
        and os.fsdecode(executables[0]) == sys.executable
        and is_ours(argv)
        and Path(folder).is_dir()
        and FRESH not in environment
        and FRESH not in os.environ
        and not hides_our_code(environment, folder)
    ):
        return int(_start_afresh(args, executables, close_fds, keep, *rest))
    with _lock:
        server = _running_server()
        if read_by_imports(environment) != _server_environment:
            return int(_start_afresh(args, executables, close_fds, keep, *rest))
        passed = [each for each in keep if each != errors]
        request = {
            "argv": argv,
            "cwd": folder,
            "environment": environment,
            "start_new_session": bool(new_session),
            "descriptors": [0, 1, 2, *passed],
        }
        standard = [
            own if given == -1 else given for own, given in enumerate((stdin, stdout, stderr))
        ]
        return ask(server, request, [*standard, *passed])


def is_ours(argv: list[str]) -> bool:
    """Whether the server has what this Python imports."""
    return len(argv) > 2 and (
        argv[1:] == WORKER
        or (argv[1] == "-m" and argv[2] in MODULES)
        or (argv[1] == "-c" and any(f"from {name}" in argv[2] for name in MODULES))
    )


def hides_our_code(environment: dict[str, str], folder: str) -> bool:
    """Whether another `components` or `pipelines` would be imported than ours."""
    places = environment.get("PYTHONPATH", "").split(os.pathsep)
    places += [] if environment.get("PYTHONSAFEPATH") else [folder]
    return any(
        (Path(folder, place) / name.partition(".")[0]).exists()
        for place in places
        if Path(folder, place).resolve() != ROOT
        for name in MODULES
    )


def _running_server() -> socket.socket:
    global _server, _server_environment
    if not _server:
        here, there = socket.socketpair()
        _server_environment = read_by_imports(dict(os.environ))
        subprocess.Popen(
            [sys.executable, SERVER, str(there.fileno()), " " * 8000],
            pass_fds=[there.fileno()],
            env={
                **os.environ,
                **{f"{name}_NUM_THREADS": "1" for name in THREADS},
                "PYTHONPATH": str(ROOT),
            },
            cwd="/",
        )
        there.close()
        _server = here
    return _server


def ask(server: socket.socket, request: dict[str, Any], descriptors: list[int]) -> int:
    """Have the server fork a child of ours; returns its process id."""
    described = os.memfd_create("request")
    os.write(described, json.dumps(request).encode("utf-8"))
    os.lseek(described, 0, os.SEEK_SET)
    libc = ctypes.CDLL(None, use_errno=True)
    # The orphan that the server makes becomes ours, and no other does.
    libc.prctl(CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        socket.send_fds(server, [b"x"], [described, *descriptors])
        answer = server.recv(20, socket.MSG_WAITALL)
    except ConnectionError:
        answer = b""
    finally:
        libc.prctl(CHILD_SUBREAPER, 0, 0, 0, 0)
        os.close(described)
    if not answer:
        raise RuntimeError(f"{SERVER} has ended: its standard error says why")
    return int(answer)
