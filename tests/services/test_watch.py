"""`retrain watch` where the target is a service: it submits, and finds what it submitted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage

from tests.services.kits import Kit
from tests.vertex.conftest import commit_all

WATCH = (sys.executable, "-m", "pipelines", "watch")


class Watch:
    """A watch of one phase, in a process group of its own, that tells JSON."""

    def __init__(self, config: Path) -> None:
        options = ["--phase", "phase-1", "--every", "1s", "--json"]
        self._process = subprocess.Popen(
            [*WATCH, str(config), *options],
            cwd=config.parent.parent,  # its folder of runs must not be in the repository
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def event(self, kind: str) -> dict[str, Any]:
        """The next event of a kind; an end of the watch or a problem is none."""
        assert self._process.stdout
        for line in self._process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == kind:
                return event
            assert event["event"] != "problem", event
        raise AssertionError(f"no {kind}: ended with {self._process.wait()}")

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def started() -> Iterator[list[Watch]]:
    watches: list[Watch] = []
    yield watches
    for watch in watches:
        watch.kill()


def annotate(bucket: storage.Bucket, number: int) -> None:
    """So many letters are annotated by now."""
    rows = [
        {
            "text": f"Pay £{n} now",
            "spans": [{"start": 4, "end": 5 + len(str(n)), "label": "MONEY"}],
            "answer": "accept",
        }
        for n in range(number)
    ]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    bucket.blob("phase1.jsonl").upload_from_string(lines)


def test_what_was_submitted_is_found_again_unless_it_failed(
    kit: Kit, config: Path, bucket: storage.Bucket, started: list[Watch]
) -> None:
    text = config.read_text(encoding="utf-8")
    due = "    due: {new_annotations: 3, quiet: 1s}\n"
    config.write_text(text.replace("  phase-2:\n", f"{due}  phase-2:\n"), encoding="utf-8")
    commit_all(config.parent)
    annotate(bucket, 4)

    def watch() -> Watch:
        started.append(Watch(config))
        return started[-1]

    first = watch()
    if kit.name == "kubeflow":  # its registry is a volume of the cluster: all of now is known
        assert first.event("waits")["new"] == {"ner": 0}
        annotate(bucket, 8)
    kit.clock().busy = True  # the run goes on for as long as we like
    assert first.event("retrains")["new"] == {"ner": 4}
    while not kit.runs():
        time.sleep(0.05)
    # All of the watch dies; the run does not, and fails in the end.
    first.kill()
    kit.clock().failing = {"phase-1/train"}
    kit.clock().busy = False
    kit.finish()
    second = watch()
    second.event("taken-up")
    assert second.event("failed")["exit_code"] == 5
    assert len(kit.runs()) == 1
    second.kill()
    # What failed is due as before: now it is run again, and not found.
    kit.clock().failing = set()
    third = watch()
    third.event("retrains")
    while len(kit.runs()) == 1:
        time.sleep(0.05)
    third.kill()
    kit.finish()
    fourth = watch()
    fourth.event("taken-up")
    fourth.event("ended")
    assert fourth.event("waits")["new"] == {"ner": 0}
    assert len(kit.runs()) == 2
