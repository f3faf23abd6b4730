"""Stopping a run from outside: signals to the runner's own process."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipelines.local.runs import RunRecord, list_runs
from tests.pipelines.local.runner.pieces import WRITE, compiled
from tests.pipelines.local.runner.test_cache import chain

RUNNER = """
import sys
from pathlib import Path
import yaml
from rich.console import Console
from pipelines.local.live_view import listener
from pipelines.local.run import run_spec
folder = Path(sys.argv[1])
spec = yaml.safe_load((folder / "spec.yaml").read_text(encoding="utf-8"))
view = listener(Console())
result = run_spec(spec, out=folder / "runs", cwd=folder, name="test", listener=view)
sys.exit(result.exit_code)
"""
# Takes a lock that lives as long as this process or the one that it started, and works on for long.
LONG = """
import fcntl, subprocess
lock = open('alive', 'w')
fcntl.flock(lock, fcntl.LOCK_EX)
subprocess.Popen(['sleep', '600'], pass_fds=[lock.fileno()])
pathlib.Path('begins').write_text(str(os.getpid()))
os.rename('begins', 'began')
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LONG


def start(folder: Path, second: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """A runner in a process of its own: its second task under way, the one beside it done."""
    spec = compiled(chain(second=second))
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(folder)], stdout=stdout, text=True)
    until((folder / "began").exists)
    until(lambda: begun(list_runs(folder / "runs")[0]))
    return runner


def begun(record: RunRecord) -> bool:
    """Whether the record says so: `decide` may still run when `second` has begun."""
    return bool(record.tasks["second"].started and record.tasks["decide"].ended)


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(folder: Path) -> bool:
    """Whether a process of the second task still runs."""
    with (folder / "alive").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def the_run(folder: Path) -> RunRecord:
    (record,) = list_runs(folder / "runs")
    return record


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_run_and_the_next_goes_on(tmp_path: Path, number: int, code: int) -> None:
    runner = start(tmp_path, LONG)
    runner.send_signal(number)
    output, _ = runner.communicate()
    assert runner.returncode == code
    assert "stopping: running tasks have 15 s to end" in output
    assert "second  cancelled" in output
    assert not alive(tmp_path)
    record = the_run(tmp_path)
    assert (record.state, record.exit_code) == ("cancelled", code)
    assert record.tasks["second"].state == "cancelled"
    assert not (tmp_path / "runs" / record.id / "second").exists()
    (tmp_path / "began").unlink()

    again = start(tmp_path, LONG)
    newest = list_runs(tmp_path / "runs")[0]
    assert {name: task.state for name, task in newest.tasks.items()} == {
        "first": "reused",
        "decide": "reused",
        "second": "running",
    }
    again.kill()
    again.communicate()


def test_the_second_signal_kills_at_once(tmp_path: Path) -> None:
    runner = start(tmp_path, STUBBORN)
    runner.send_signal(signal.SIGINT)
    assert runner.stdout
    assert any("stopping: running tasks have 15 s to end" in line for line in runner.stdout)
    assert runner.poll() is None
    assert alive(tmp_path)
    runner.send_signal(signal.SIGINT)
    runner.communicate(timeout=10)
    assert runner.returncode == 130
    assert not alive(tmp_path)


def test_a_storm_of_signals(tmp_path: Path) -> None:
    runner = start(tmp_path, LONG)
    for _ in range(50):
        if runner.poll() is None:
            os.kill(runner.pid, signal.SIGTERM)
    runner.communicate()
    assert runner.returncode == 143
    assert the_run(tmp_path).state == "cancelled"
    assert not alive(tmp_path)


def test_a_killed_runner_leaves_no_orphans_and_counts_as_interrupted(tmp_path: Path) -> None:
    runner = start(tmp_path, LONG)
    assert the_run(tmp_path).state == "running"
    runner.kill()
    runner.communicate()
    until(lambda: not alive(tmp_path))
    record = the_run(tmp_path)
    assert record.state == "interrupted"
    assert record.tasks["second"].state == "cancelled"
    assert record.tasks["first"].state == "succeeded"


def test_what_a_task_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    ends = LONG.replace("time.sleep(600)", WRITE)
    runner = start(tmp_path, ends)
    runner.communicate()
    assert runner.returncode == 0
    assert not alive(tmp_path)


def test_a_run_whose_reader_is_gone_ends(tmp_path: Path) -> None:
    runner = start(tmp_path, LONG)
    assert runner.stdout
    runner.stdout.close()
    os.kill(int((tmp_path / "began").read_text()), signal.SIGTERM)  # something to tell: it failed
    runner.wait()
    assert runner.returncode == 141
    assert the_run(tmp_path).state == "cancelled"


def test_a_run_whose_terminal_is_closed_ends_as_cancelled(tmp_path: Path) -> None:
    terminal, own = os.openpty()
    runner = start(tmp_path, LONG, stdout=own)
    os.close(own)
    os.close(terminal)
    runner.send_signal(signal.SIGHUP)
    runner.wait()
    assert runner.returncode == 129
    assert the_run(tmp_path).state == "cancelled"
    assert not alive(tmp_path)
