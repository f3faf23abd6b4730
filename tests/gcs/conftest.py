"""Buckets under /gcs, as Vertex AI shows them to a task.

`make test-gcs` runs these tests as root in a mount namespace of its own, so that nobody else sees
the mount and it goes with the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.vertex.conftest import double, serving_gcs

__all__ = ["double"]
MOUNT = Path("/gcs")
# Whoever mounted the bucket: nobody who runs a stage here.
OWNER = "4711"
NEEDS = (
    "these tests mount a file system: run `make test-gcs` as root on Linux with /dev/fuse and "
    "libfuse (apt-get install fuse3)."
)
Mounted = Callable[[str, str], None]


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mounted]:
    """Mounts an emulator's buckets under /gcs, with the modes of a file and of a folder."""
    if os.geteuid() or not Path("/dev/fuse").exists() or not shutil.which("fusermount3"):
        pytest.exit(NEEDS, 2)
    with serving_gcs() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        assert server._tmpdir
        with mounting(Path(server._tmpdir.name)) as mount:
            yield mount


@contextmanager
def mounting(buckets: Path) -> Iterator[Mounted]:
    """Yield what mounts a folder of buckets; unmount it in the end."""
    started: list[subprocess.Popen[str]] = []

    def mount(file_mode: str, folder_mode: str) -> None:
        MOUNT.mkdir(exist_ok=True)
        command = [sys.executable, str(Path(__file__).with_name("bucket.py"))]
        started.append(
            subprocess.Popen(
                [*command, str(buckets), str(MOUNT), OWNER, file_mode, folder_mode],
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        # It says so once it is there, and ends without a word if it can't be.
        assert started[0].stdout
        assert started[0].stdout.readline() == "mounted\n"

    yield mount
    for each in started:
        subprocess.run(["umount", str(MOUNT)], check=True)
        assert each.wait(10) == 0
