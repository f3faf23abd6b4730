"""A process that the tests fork cannot be told from one that is started afresh."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.support import forking

PROGRAMS = {
    "identity": """
print(sys.argv, os.getcwd(), dict(sorted(os.environ.items())), sys.path, __name__)
print(os.getppid() == int(sys.argv[1]), os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid())
print(open('/proc/self/cmdline').read().rstrip(chr(0)).split(chr(0)))
print(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), sys.stdin.read())
print(sys.stdout.encoding, sys.stdout.line_buffering, sys.stderr.errors, os.isatty(1))
print('on stderr', file=sys.stderr)
""",
    "files": "print(sorted(int(name) for name in os.listdir('/proc/self/fd'))[:4])",
    "code": "sys.exit(3)",
    "text as code": "sys.exit('why')",
    "error": "raise ValueError('why')",
    "at exit": "import atexit; atexit.register(print, 'last'); print('first'); sys.exit(300)",
    "thread": """
import threading
def late():
    threading.main_thread().join()
    print('late')
threading.Thread(target=late).start()
print('main')
""",
    "signal": "print('said', flush=True); os.kill(os.getpid(), signal.SIGTERM)",
    "interrupt": "os.kill(os.getpid(), signal.SIGINT)",
    "its own": "sys.exit(subprocess.run([sys.executable, '-m', 'components']).returncode)",
    "its own's": """
own = "from components import errors; import subprocess, sys; sys.exit(subprocess.call(ASKED))"
own = own.replace("ASKED", repr([sys.executable, "-m", "components"]))
sys.exit(subprocess.call([sys.executable, "-c", own]))
""",
}
IMPORTS = "from components import errors\nimport os, signal, subprocess, sys\n"


def outcome(program: str, folder: Path, **options: Any) -> tuple[int, str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS + program, str(os.getpid()), "", "two words"],
        cwd=folder,
        input="typed in",
        capture_output=True,
        text=True,
        **options,
    )
    # A traceback of the fork has the server's frames as well.
    said = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    return done.returncode, done.stdout, said


@pytest.mark.parametrize("options", [{}, {"start_new_session": True}], ids=["", "session"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_does_what_a_fresh_one_does(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(forking.ROOT), "SAID": "Grüße"}
    both = []
    for how in (nullcontext(), forking.fresh()):
        with how:
            both.append(outcome(PROGRAMS[name], tmp_path, env=environment, **options))
    assert both[0] == both[1]


def test_it_is_forked(tmp_path: Path) -> None:
    """Else the tests above compare fresh ones with fresh ones."""
    program = "print('torch' in sys.modules)"
    assert outcome(program, tmp_path, env={**os.environ, "PYTHONPATH": str(forking.ROOT)})[1] == (
        "True\n"
    )
    with forking.fresh():
        assert outcome(program, tmp_path, env={**os.environ, "PYTHONPATH": str(forking.ROOT)})[
            1
        ] == ("False\n")


def test_it_can_be_stopped_as_a_group(tmp_path: Path) -> None:
    waits = f"{IMPORTS}print('waits', flush=True); signal.pause()"
    process = subprocess.Popen(
        [sys.executable, "-c", waits],
        cwd=forking.ROOT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout and process.stdout.readline() == b"waits\n"
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert process.stdout.read() == b""


def test_files_that_are_passed_on_keep_their_numbers(tmp_path: Path) -> None:
    read, write = os.pipe()
    writes = f"{IMPORTS}os.write(int(sys.argv[1]), b'through')"
    subprocess.run(
        [sys.executable, "-c", writes, str(write)], cwd=forking.ROOT, pass_fds=[write], check=True
    )
    os.close(write)
    assert os.read(read, 10) == b"through"
    os.close(read)
