"""Disks that are full or read-only, files that are somebody else's: as any user may meet them.

A disk is a small file system of a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.files import copy
from components.records.record import write_records
from tests.components.registry.test_crash import prepared
from tests.support.records import ner_record

ROOT = Path(__file__).parents[3]
# Mounts a disk of 1 MB that only the command behind it sees, which needs no rights.
ON_A_DISK = 'mount -t tmpfs -o size=1m tmpfs "$DISK" && eval "$BEFORE" && exec "$@"'

# Runs two tasks, of which the second fills the disk; then once more, with room again.
TWO_RUNS = """
import json, os, pathlib
from components.errors import WriteError
from tests.pipelines.local.runner.pieces import WRITE, run, states
from tests.pipelines.local.runner.test_cache import chain

disk = pathlib.Path(os.environ["DISK"])
FILL = '''
ballast = open(os.environ["DISK"] + "/ballast", "wb", buffering=0)
if not os.path.exists(os.environ["DISK"] + "/room"):
    while True:
        ballast.write(bytes(1024))
pathlib.Path(a[1]).write_text("made")
'''
try:
    code = run(chain(second=FILL), disk).exit_code
except WriteError as error:
    code = error.exit_code
[record] = disk.glob("runs/*/run.json")
failed = json.loads(record.read_bytes())
(disk / "ballast").unlink()
(disk / "room").touch()
again = run(chain(second=FILL), disk)
print(json.dumps([code, failed["state"], failed["exit_code"], again.exit_code, states(again)]))
"""


def on_a_disk(folder: Path, before: str, *command: str) -> subprocess.CompletedProcess[str]:
    disk = folder / "disk"
    disk.mkdir()
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ON_A_DISK, "sh", *command],
        cwd=ROOT,
        env={**os.environ, "DISK": str(disk), "BEFORE": before, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (":", "cannot be written: No space left on device. Make room"),
        ('mount -o remount,ro "$DISK"', "cannot be written: Read-only file system."),
    ],
)
def test_a_stage_says_what_could_not_be_written_and_leaves_nothing(
    tmp_path: Path, before: str, why: str
) -> None:
    source = tmp_path / "train.jsonl"
    texts = (f"{number} {'word ' * 300}" for number in range(3000))
    write_records(source, (ner_record(f"{n:032x}", t) for n, t in enumerate(texts)))
    kept = tmp_path / "disk/kept.jsonl"
    stage = [sys.executable, "-m", "components", "subsample", f"--train-set={source}"]
    ended = on_a_disk(
        tmp_path,
        before,
        "sh",
        "-c",
        '"$@"; echo "exit $?"; ls -A "$DISK"',
        "sh",
        *stage,
        "--percent=99",
        f"--kept={kept}",
    )
    assert ended.stdout == "exit 1\n"
    assert ended.stderr.startswith(f"subsample: {kept}: {why}")
    assert "Traceback" not in ended.stderr


def test_a_run_on_a_full_disk_has_failed_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    ended = on_a_disk(tmp_path, ":", sys.executable, "-c", TWO_RUNS)
    assert ended.returncode == 0, ended.stderr
    *codes, tasks = json.loads(ended.stdout.splitlines()[-1])
    assert codes == [1, "failed", 1, 0]
    # `decide` waits for nobody: it may have been done when the first run ended, or not.
    assert tasks.pop("decide") in ("reused", "succeeded")
    assert tasks == {"first": "reused", "second": "succeeded"}


def test_a_registry_that_may_not_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    registry = prepared(tmp_path, "").folder
    command = [sys.executable, "-m", "pipelines", "models", "list", f"--registry={registry}"]
    (registry / "ner").chmod(0)
    try:
        # A user without any rights of root's, whoever runs the tests.
        ended = subprocess.run(
            ["unshare", "--user", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
    finally:
        (registry / "ner").chmod(0o755)
    assert ended.returncode == 1
    assert f"retrain: {registry}/ner/aliases: user" in ended.stderr
    assert "may not read it (Permission denied)" in ended.stderr


def test_a_disk_that_does_not_give_back_a_registered_model_is_one_message(tmp_path: Path) -> None:
    """As this one, whose first byte is an error."""
    registry = prepared(tmp_path, "").folder
    broken = registry / "ner/1/model/ner/model"
    broken.unlink()
    broken.symlink_to("/proc/self/mem")
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pipelines",
            "models",
            "promote",
            "ner",
            "1",
            f"--registry={registry}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"retrain: {broken}: Input/output error. The disk")


def test_a_copy_of_what_a_disk_does_not_give_back_names_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"Input/output error: '/proc/self/mem'"):
        copy(Path("/proc/self/mem"), tmp_path / "copied")
