"""Folders of runs as `retrain ui` finds them, and the program itself."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx2

from components.html import page
from components.records.prediction import Prediction
from components.records.record import Span
from components.registry.base import Artefact
from components.registry.lineage import trace
from components.registry.local import LocalRegistry
from components.registry.promotion import add_and_promote
from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.tasks.scores import block_of
from pipelines.local.runs import Artifact, Production, RunRecord, TaskRecord, write_record
from pipelines.results.history import TEMPLATE
from tests.containers.conftest import write_model

ROOT = Path(__file__).parents[2]
STAGES = ("ingest", "split", "convert", "train", "evaluate", "upload")


class Ui:
    """`retrain ui` in a process of its own."""

    def __init__(self, cwd: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipelines", "ui", "--port", "0", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.said = self._process.stdout.readline()
        found = re.search(r"http://[\w.:]+", self.said)
        assert found, self.said + self.stop()
        self.url = found[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGINT) -> str:
        """End it; return what it has said of errors."""
        self._process.send_signal(number)
        return self._process.communicate()[1]


def scores(label: str, right: int, of: int = 10) -> dict[str, Any]:
    """A task's block of scores: so many of the entities are found."""
    text = "London calls"
    gold = [Span(0, 6, label)]
    predictions = [
        Prediction(str(n), text, 2, gold, gold if n < right else [], [], {}) for n in range(of)
    ]
    settings = TaskSettings(name="ner", labels=[label])
    block = block_of(task_of(settings), predictions, slice_keys=[], resamples=50, seed=0)
    return {**block, "champion": None, "words_per_second": 100.0}


def add_version(folder: Path, name: str, word: str, f: float) -> None:
    """A model that finds a word, in the registry and in production."""
    model = write_model(folder / f"trained-{word}", {word: "GPE"})
    written = folder / f"{word}.json"
    row = {"p": f, "r": f, "f": f, "support": 10}
    written.write_text(json.dumps({"overall": row, "labels": {"GPE": row}}), encoding="utf-8")
    lineage = trace(model, written, decision="promote", digest=word, run="20260102-000000-small")
    registry = LocalRegistry(folder / "models")
    add_and_promote(registry, name, "champion", Artefact(model, {}, lineage))


def write_run(
    out: Path,
    run: str,
    *,
    phase: str = "phase-1",
    label: str = "GPE",
    right: int = 8,
    said: str = "all is well",
    outcome: str = "promoted",
    version: str = "1",
    registry: str = "../../models",
) -> RunRecord:
    """A run that has come to its end, with what the app reads of it."""
    folder = out / run
    (folder / "logs").mkdir(parents=True)
    ended = f"{run[:4]}-{run[4:6]}-{run[6:8]}T00:10:00+00:00"
    tasks = {}
    for stage in STAGES:
        log = folder / "logs" / f"{phase}.{stage}.log"
        log.write_text(f"--- attempt 1\n{said}\n{stage} done\n", encoding="utf-8")
        tasks[f"{phase}/{stage}"] = TaskRecord(
            f"{phase}/{stage}",
            "succeeded",
            started=ended.replace("10:00", f"0{STAGES.index(stage)}:00"),
            ended=ended.replace("10:00", f"0{STAGES.index(stage)}:30"),
            attempts=1,
            exit_code=0,
            log=f"{run}/logs/{phase}.{stage}.log",
        )
    files = {
        ("ingest", "data_report"): json.dumps(
            {"records": {"kept": 42}, "sources": {"a.jsonl": 42}, "digest": "abcdef0123"}
        ),
        ("ingest", "report"): html(f"Data of {said}"),
        ("train", "log/history.jsonl"): "".join(map(evaluation, (10, 20))),
        ("evaluate", "scores"): json.dumps({"version": 3, "tasks": {"ner": scores(label, right)}}),
        ("upload", "report"): html(f"Report on {said}"),
        ("upload", "review"): '{"text": "London"}\n',
    }
    for (stage, output), text in files.items():
        path = folder / phase / stage / output
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        name = output.partition("/")[0]
        metadata = {"f1": right / 10} if name == "metrics" else {}
        made = Artifact(name, str(folder / phase / stage / name), "system.Artifact", "0", metadata)
        tasks[f"{phase}/{stage}"].artifacts[name] = made
    tasks[f"{phase}/upload"].parameters = {
        "outcome": outcome, "version": version, "headline": said, "decision": "promote",
        "model_uri": "",
    }  # fmt: skip
    record = RunRecord(
        id=run, name="small", config="small.yaml", spec_digest="", parameters={"when": "always"},
        command=f"retrain run {said}", started=ended.replace("10:00", "00:00"), ended=ended, pid=1,
        workers=1, threads=1, tasks=tasks, state="succeeded", exit_code=0,
        production={phase: Production(f"ner-{phase}", "champion", registry, version, f"run {run}")},
    )  # fmt: skip
    write_record(folder, record)
    return record


def html(title: str) -> str:
    """A page as a stage writes one."""
    return page.render(TEMPLATE, title=title, entries=[], charts=[])


def evaluation(step: int, loss: float = 1.0) -> str:
    """A line of a training's history."""
    return json.dumps({"step": step, "epoch": 0, "loss": loss, "f": step / 100}) + "\n"


class GoingOn:
    """A run while it runs: its training is at work."""

    def __init__(self, out: Path, run: str) -> None:
        self.record = write_run(out, run)
        self.folder = out / run
        self.record.state, self.record.ended, self.record.exit_code = "running", None, None
        self.record.started = datetime.now(UTC).isoformat()
        self.record.production = {}
        self._scores = self.record.tasks["phase-1/evaluate"].artifacts
        for stage in STAGES[3:]:
            task = self.record.tasks[f"phase-1/{stage}"]
            task.artifacts, task.parameters, task.ended = {}, {}, None
            task.state = "pending" if stage != "train" else "running"
            task.log = task.log if stage == "train" else None
        self.progress(step=10, max_steps=40, loss=1.5, words_per_second=1234, eta=90)
        self.write()

    def write(self) -> None:
        write_record(self.folder, self.record)

    def progress(self, **values: float) -> None:
        path = self.folder / "phase-1" / "train" / ".progress.json"
        path.write_text(json.dumps(values), encoding="utf-8")

    def evaluated(self, step: int) -> None:
        history = self.folder / "phase-1" / "train" / "log" / "history.jsonl"
        with history.open("a", encoding="utf-8") as file:
            file.write(evaluation(step))

    def print(self, line: str) -> None:
        log = self.folder / "logs" / "phase-1.train.log"
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def scored(self) -> None:
        """Let it come to its last stage."""
        for stage, state in (
            ("train", "succeeded"),
            ("evaluate", "succeeded"),
            ("upload", "running"),
        ):
            self.record.tasks[f"phase-1/{stage}"].state = state
        self.record.tasks["phase-1/evaluate"].artifacts = self._scores
        self.write()

    def fail(self, why: str) -> None:
        """Let it end."""
        train = self.record.tasks["phase-1/train"]
        train.state, train.note, train.exit_code = "failed", why, 3
        for stage in ("evaluate", "upload"):
            self.record.tasks[f"phase-1/{stage}"].state = "not-run"
        self.record.state = "failed"
        self.record.ended = datetime.now(UTC).isoformat()
        self.write()


@contextmanager
def going_on(out: Path, run: str) -> Iterator[GoingOn]:
    """A run that runs as long as the context lasts."""
    started = GoingOn(out, run)
    with (out / run / ".running").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield started


def model_of(ui: Ui) -> str:
    """The path of the page of the only model."""
    found = re.search(r'href="(/models/[^"]+)"', httpx2.get(f"{ui.url}/models").text)
    assert found
    return found[1]


def text_of(html: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<style.*?</style>|<[^>]*>", " ", html, flags=re.S).split())


@contextmanager
def signed_in(ui: Ui) -> Iterator[httpx2.Client]:
    """A browser that was given the token."""
    headers = {"Origin": ui.url}
    with httpx2.Client(base_url=ui.url, headers=headers, follow_redirects=True) as client:
        token = re.search(r"token=(\S+)", ui.said)
        assert token
        assert client.get("/token", params={"token": token[1]}).status_code == 200
        yield client


def until(found: Callable[[], bool]) -> None:
    """Wait for what another process will do."""
    deadline = time.monotonic() + 120
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.1)
