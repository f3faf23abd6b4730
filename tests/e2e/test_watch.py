"""A watch that is killed and started again: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from components.registry.local import LocalRegistry
from tests.e2e.test_kill import CONFIG, ROOT

pytestmark = pytest.mark.xdist_group("whole")

SAMPLE = (ROOT / "configs/sample/phase1.jsonl").read_text("utf-8").splitlines()
WHOLE = [json.loads(line) for line in SAMPLE if line.startswith("{") and line.endswith("}")]
# Each counts: none is rejected, and no text comes twice.
ROWS = {row["text"]: row for row in WHOLE if row["answer"] == "accept" and row.get("tokens")}
# Any change is looked for because of the webhook alone.
WATCH = (sys.executable, "-m", "pipelines", "watch", "small.yaml", "--every", "1h")


class Watch:
    """A watch in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [*WATCH, "--webhook", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for(r"Webhook: POST (\S+)")[1]

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()

    def wait_for(self, said: str) -> re.Match[str]:
        """The first line that says so; it and those before it are forgotten."""
        with self._more:
            self._more.wait_for(lambda: any(re.search(said, line) for line in self.lines), 120)
            found = [(n, m) for n, line in enumerate(self.lines) if (m := re.search(said, line))]
            assert found, self.lines
            del self.lines[: found[0][0] + 1]
            return found[0][1]

    def wake(self) -> None:
        """As the webhook of Label Studio does."""
        body = {"action": "ANNOTATION_CREATED"}
        assert httpx2.post(self.url, json=body, timeout=60).status_code == 204

    def kill(self, *, all_of_it: bool) -> None:
        if all_of_it:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


@pytest.fixture
def started() -> Iterator[list[Watch]]:
    watches: list[Watch] = []
    yield watches
    for watch in watches:
        watch.kill(all_of_it=watch is watches[-1])


def versions(folder: Path) -> list[str]:
    return [version.number for version in LocalRegistry(folder / "models").versions("ner-phase-1")]


def test_no_annotation_is_lost_or_counted_twice(tmp_path: Path, started: list[Watch]) -> None:
    folder = tmp_path
    quicker = CONFIG.replace("max_steps: 20", "max_steps: 5").replace(
        "frequency: 10", "frequency: 5"
    )
    due = "    due: {new_annotations: 5, quiet: 1s}\n"
    (folder / "small.yaml").write_text(quicker + due, encoding="utf-8")
    coming = iter(ROWS.values())

    def annotate(number: int) -> None:
        with (folder / "phase1.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(next(coming))}\n" for _ in range(number))

    def watch() -> Watch:
        started.append(Watch(folder))
        return started[-1]

    def until_run(number: int) -> None:
        while len([*(folder / "runs").glob("*/run.json")]) < number:
            time.sleep(0.05)

    # All of it dies in the middle of the first retrain.
    annotate(60)
    first = watch()
    first.wait_for("phase-1: ner 60 new of 5: retrains")  # there is no model yet
    # A second watch of the same is refused.
    second = subprocess.run(WATCH, cwd=folder, capture_output=True, text=True, check=False)
    assert second.returncode == 2 and "is being watched already" in second.stderr
    until_run(1)
    first.kill(all_of_it=True)
    again = watch()
    again.wait_for("a retrain was interrupted: takes it up")
    again.wait_for("the retrain has ended")
    again.wait_for("ner 0 new of 5: waits")
    assert versions(folder) == ["1"]

    # The watch dies, its run goes on; more is annotated meanwhile.
    annotate(3)
    again.wake()
    again.wait_for("ner 3 new of 5: waits")
    annotate(3)
    again.wake()
    again.wait_for("ner 6 new of 5: retrains")
    until_run(3)
    again.kill(all_of_it=False)
    annotate(2)
    last = watch()
    last.wait_for("a retrain was interrupted: takes it up")
    last.wait_for("a run that was started before goes on: waits for its end")
    last.wait_for("the retrain has ended")
    # The two are known by now, since the run that was taken up has read them.
    last.wait_for("ner 0 new of 5: waits")
    made = versions(folder)
    assert made in (["1", "2"], ["1", "2", "3"])  # 2: the first run had read the two as well
    runs = [*(folder / "runs").glob("*/run.json")]
    last.wake()
    annotate(1)
    last.wake()
    last.wait_for("ner 1 new of 5: waits")
    assert versions(folder) == made
    assert len(runs) == len([*(folder / "runs").glob("*/run.json")])
