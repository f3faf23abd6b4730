"""Starts Python processes with the heavy imports already done: the program of `forking.py`.

    python fork_server.py SOCKET PADDING

Imports what our commands import, then forks a process for every request that comes over the socket.
Such a process has the arguments, environment, folder, file descriptors, session and parent that a
fresh one would have, and ends as one: its module runs as `__main__` at the interpreter's own top
level. What differs: modules that it would import late are there already, NumPy's linear algebra
uses one thread, and what libraries made while they were imported is not taken down at the end.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
import weakref
from pathlib import Path
from typing import Any

# Not gcsfs: it reads variables while it is imported.
HEAVY = [
    "components.__main__",
    "containers.serve.__main__",
    "google.cloud.aiplatform",
    "google.cloud.aiplatform_v1",
    "google.cloud.storage",
    "jinja2",
    "kfp",
    "kfp.compiler",
    "matplotlib.figure",
    "msgspec",
    "numpy",
    "pipelines.cli",
    "pipelines.dag.compile",
    "pipelines.dag.retrain",
    "pydantic",
    "rich.console",
    "rich.live",
    "rich.progress",
    "rich.table",
    "spacy",
    "spacy.lang.en",
    "spacy.training",
    "spacy_transformers",
    "torch",
    "transformers",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",
    "transformers.models.bert.tokenization_bert_fast",
    "typer",
    "yaml",
]
# prctl(2)
CHILD_SUBREAPER = 36
# madvise(2), since Linux 6.1
COLLAPSE = 25
HUGE = 2 << 20


def main() -> None:
    """Serve until the socket closes; returns in a process that was asked for."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for our process group, not for us
    # The processes to come have paths of their own, on which the tests need not be.
    sys.path.insert(1, str(Path(__file__).parents[2]))
    for name in (*HEAVY, "tests.support.forking", "tests.support.quick_stack"):
        importlib.import_module(name)
    del sys.path[1]
    from components.__main__ import STAGES

    for name in STAGES.values():
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # forks would copy the pages of what is collected
    keep_at_the_end()
    use_huge_pages()
    base_path = [folder for folder in sys.path[1:] if folder not in python_path(os.environ)]
    while True:
        request, descriptors = next_request(connection)
        here, there = socket.socketpair()
        if os.fork():
            there.close()
            become(request, descriptors, base_path, here)
            return
        # A server for the processes that the one that was asked for starts itself.
        here.detach()  # else it would close, when it goes, what has its number by then
        connection = keep_only(there)


def keep_at_the_end() -> None:
    """Take nothing down that is there by now: a fork would copy it first."""
    import torch._dynamo.utils

    for finalizer in weakref.finalize._registry:  # type: ignore[attr-defined]
        finalizer.atexit = False
    atexit.unregister(torch._dynamo.utils.dump_compile_times)


def use_huge_pages() -> None:
    """Have memory in few large pages where the system can: a fork copies an entry for each."""
    libc = ctypes.CDLL(None)
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, access, _, _, file, *_ = line.split()
        if access == "rw-p" and file == "0":
            start, end = (int(address, 16) for address in addresses.split("-"))
            for place in range(-(-start // HUGE) * HUGE, end - HUGE + 1, HUGE):
                libc.madvise(ctypes.c_void_p(place), ctypes.c_size_t(HUGE), COLLAPSE)


def next_request(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for requests and fork for them; returns in a fork, with the request."""
    while True:
        word, descriptors, _, _ = socket.recv_fds(connection, 1, 250)
        if not word:
            os._exit(0)  # who asks is gone
        born, tell = os.pipe()
        adopted, adopt = os.pipe()
        # A fork of a fork whose parent ends at once is adopted by who asks: see forking.py.
        between = os.fork()
        if not between:
            if child := os.fork():
                os.write(tell, str(child).encode("ascii"))
                os._exit(0)
            os.close(adopt)
            os.read(adopted, 1)
            for each in (born, tell, adopted):
                os.close(each)
            connection.close()
            with os.fdopen(descriptors.pop(0), encoding="utf-8") as file:
                return json.load(file), descriptors
        for each in (*descriptors, tell, adopted):
            os.close(each)
        os.waitpid(between, 0)
        connection.sendall(os.read(born, 20).rjust(20))
        os.close(born)
        os.close(adopt)


def keep_only(connection: socket.socket) -> socket.socket:
    """Close every file but this one, so that nobody waits in vain for the end of a pipe."""
    kept = os.dup2(connection.detach(), 250, inheritable=False)
    os.closerange(0, kept)
    os.closerange(kept + 1, 1024)
    null = os.open(os.devnull, os.O_RDWR)
    assert (null, os.dup2(null, 1), os.dup2(null, 2)) == (0, 1, 2)
    return socket.socket(fileno=kept)


def become(
    request: dict[str, Any], descriptors: list[int], base_path: list[str], server: socket.socket
) -> None:
    """Take on all by which a process is told from another."""
    if request["start_new_session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    take_descriptors(descriptors, request["descriptors"])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    show_arguments(request["argv"])
    sys.stdout.reconfigure(line_buffering=os.isatty(1))
    unbuffered = request["argv"][1] == "-u"
    if unbuffered or os.environ.get("PYTHONUNBUFFERED"):
        raw = os.fdopen(1, "wb", buffering=0, closefd=False)
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(raw, sys.stdout.encoding, write_through=True)
    sys.orig_argv[:] = request["argv"]
    kind, *sys.argv[:] = request["argv"][1 + unbuffered :]
    safe = [] if os.environ.get("PYTHONSAFEPATH") else [str(Path.cwd()) if kind == "-m" else ""]
    sys.path[:] = [*safe, *python_path(os.environ), *base_path]
    sys.path_importer_cache.clear()
    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    import numpy
    import torch

    numpy.random.seed()  # else every process would draw the same
    torch.set_num_threads(threads)
    from tests.support import forking, quick_stack

    forking.use(server)
    quick_stack.pass_over()


def take_descriptors(given: list[int], wanted: list[int]) -> None:
    """Give files that came over a socket the numbers that they are to have."""
    import fcntl

    high = [fcntl.fcntl(each, fcntl.F_DUPFD, 300) for each in given]
    for each in given:
        os.close(each)
    for source, target in zip(high, wanted, strict=True):
        os.dup2(source, target)
        os.close(source)


def python_path(environment: Any) -> list[str]:
    return [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]


def show_arguments(argv: list[str]) -> None:
    """Let /proc show these arguments in place of ours; PADDING has made room for them."""
    start, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:47])
    text = "".join(f"{word}\0" for word in argv).encode()[: end - start - 1]
    ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def run_as_main() -> None:
    """What the interpreter does for `-m` and `-c`."""
    if sys.orig_argv[1] == "-m":
        sys.modules.pop(f"{sys.argv[0]}.__main__", None)
        runpy._run_module_as_main(sys.argv[0])
    else:
        code = compile(sys.argv[0], "<string>", "exec")
        sys.argv[0] = "-c"
        exec(code, {"__name__": "__main__", "__builtins__": __builtins__})


def end_at_once() -> None:
    """The last of the functions at exit: taking three thousand modules down takes a second."""
    if exit_code is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        if exit_code < 0:
            signal.signal(-exit_code, signal.SIG_DFL)
            os.kill(os.getpid(), -exit_code)
        os._exit(exit_code)


exit_code: int | None = None

if __name__ == "__main__":
    atexit.register(end_at_once)
    main()
    try:
        run_as_main()
        exit_code = 0
    except SystemExit as error:
        given = error.code
        exit_code = given & 255 if isinstance(given, int) else int(given is not None)
        raise
    except KeyboardInterrupt:
        exit_code = -signal.SIGINT
        raise
    except Exception:
        exit_code = 1
        raise
