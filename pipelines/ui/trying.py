"""Try a text: a server of the model in a process of its own, as `retrain serve` starts it.

So the models' memory, and whatever a text makes of them, is not this app's; however the app ends,
the process ends with it.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.answers.models import Source
from components.errors import DataError, RetrainError
from components.records.record import Span
from components.registry.base import pointed_to
from components.report.build import TINTS
from components.report.marks import Piece, marked
from pipelines.local.runner.launchers import Command
from pipelines.local.runner.processes import CancelledError, Processes
from pipelines.results.served import sources_of_run
from pipelines.ui.models import places
from pipelines.ui.site import Site

LOAD_SECONDS = 300.0
ANSWER_SECONDS = 120.0
IDLE_SECONDS = 900.0
RUNS_OFFERED = 10
NOT_SAID: dict[str, Any] = {"task": "", "confidence": None}


@dataclass
class Started:
    """A server of some models, which has said where it listens."""

    sources: tuple[Source, ...]
    processes: Processes
    port: int


class Trial:
    """Holds the server of the models that were last tried; starts it when it is first asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: Started | None = None
        self._idle: threading.Timer | None = None

    def predict(
        self, sources: tuple[Source, ...], text: str, verify: Callable[[], None]
    ) -> dict[str, Any]:
        """What the models say of a text, as the server answers.

        Args:
            verify: called before the models are loaded; raises for files that are damaged.

        Raises:
            RefusedTextError: the server refuses it, in its words.
            DataError: the models cannot be loaded.
        """
        # One at a time: whoever waits may want other models than are loaded.
        with self._lock:
            if self._idle:
                self._idle.cancel()
            port = self._server_of(sources, verify)
            self._idle = threading.Timer(IDLE_SECONDS, self.stop)
            self._idle.daemon = True
            self._idle.start()
            return ask(port, text)

    def _server_of(self, sources: tuple[Source, ...], verify: Callable[[], None]) -> int:
        if self._started and self._started.sources == sources and is_up(self._started.port):
            return self._started.port
        self._end()
        verify()
        self._started = start(sources)
        return self._started.port

    def stop(self) -> None:
        """End the server."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._started:
            self._started.processes.__exit__(None, None, None)
            self._started = None


class RefusedTextError(Exception):
    """A text that the server does not predict. Its arguments: an HTTP status, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def start(sources: tuple[Source, ...]) -> Started:
    """Start a server, and wait until it is ready.

    Raises:
        DataError: it did not become ready.
    """
    processes = Processes().__enter__()
    named = [f"--model={one.phase}={one.folder}@{one.version}" for one in sources]
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = Command(
            argv=[sys.executable, "-m", "containers.serve", "--host", "127.0.0.1", *named],
            environment={"AIP_HTTP_PORT": "0", "RETRAIN_SERVE_DRAIN": "0"},
            cwd=Path.cwd(),
            image="",
            reads=[],
            writes=Path(folder),
            log=log,
        )
        ended = threading.Event()

        def run() -> None:
            try:
                processes.run(command)
            except CancelledError:
                pass
            finally:
                ended.set()

        threading.Thread(target=run, daemon=True).start()
        deadline = time.monotonic() + LOAD_SECONDS
        while time.monotonic() < deadline and not ended.is_set():
            said = messages(log)
            if "ready" in said:
                return Started(sources, processes, int(said["listening"]["port"]))
            time.sleep(0.1)
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        processes.__exit__(None, None, None)
        raise DataError(f"The model cannot be loaded: {text.strip()[-1000:] or 'it took too long'}")


def messages(log: Path) -> dict[str, dict[str, Any]]:
    """The events that a server has logged, by name."""
    said = {}
    if log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                event = json.loads(line)
                said[event["message"]] = event
            except (ValueError, KeyError, TypeError):
                continue
    return said


def is_up(port: int) -> bool:
    """Whether a server answers."""
    try:
        return call(port, "GET", "/health")[0] == 200
    except OSError:
        return False


def ask(port: int, text: str) -> dict[str, Any]:
    """Ask a server about a text.

    Raises:
        RefusedTextError: it refuses, or has gone.
    """
    question = {"instances": [text], "parameters": {"confidence": True}}
    try:
        status, answer = call(port, "POST", "/predict", json.dumps(question))
    except OSError as error:
        raise RefusedTextError(
            502, f"The model's server has ended ({error}): try again."
        ) from error
    if status != 200:
        raise RefusedTextError(status, str(answer.get("detail", "")))
    found: dict[str, Any] = answer["predictions"][0]
    return found


def call(port: int, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, Any]]:
    """Status and JSON of an answer.

    Raises:
        OSError: there is none.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"no answer: {error!r}") from error
    finally:
        connection.close()


@dataclass(frozen=True)
class Choice:
    """Models that a text can be tried on."""

    key: str
    title: str
    sources: tuple[Source, ...]
    verify: Callable[[], None]


def choices(site: Site) -> list[Choice]:
    """What is in production of each model, and what the newest runs have trained."""
    return [*of_models(site), *of_runs(site)]


def of_models(site: Site) -> Iterator[Choice]:
    """The models in production."""
    for place in places(site):
        registry = place.open()
        try:
            version = pointed_to(registry.versions(place.name), place.alias)
        except DataError:
            continue  # its own page says what is wrong
        if version:
            yield Choice(
                f"{place.key}/{place.name}",
                f"{place.name}, version {version.number}, in production",
                (Source(place.name, Path(version.uri), version.number),),
                partial(registry.verify, version),
            )


def of_runs(site: Site) -> Iterator[Choice]:
    """The models of the newest runs, all phases together."""
    for record in site.records.readable(site.records.ids()[:RUNS_OFFERED]):
        try:
            sources = sources_of_run(site.records.out / record.id)
        except RetrainError:
            continue
        if all(one.folder.resolve().is_relative_to(site.records.out) for one in sources):
            yield Choice(f"run/{record.id}", f"run {record.id}", tuple(sources), lambda: None)


def shown(text: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of the server as the page shows it."""
    entities, spans = found["entities"], found.get("spans") or []
    classes = found.get("classes") or []
    every = [*entities, *spans]
    labels = [label for one in classes for label in one["labels"]]
    said = [f"Classes: {', '.join(labels) or 'none'}."] if classes else []
    if every or not classes:
        said.append(f"{len(every)} found." if every else "Nothing found.")
    return {
        "said": " ".join(said),
        "marked": [
            (title, pieces_of(text, some))
            for title, some in (("Entities", entities), ("Spans", spans))
            if some
        ],
        "spans": [
            {"task": "", "confidence": None, **one, "status": statuses(one)} for one in every
        ],
        "status": any(one.get("statuses") for one in every),
        "classes": [
            {
                "title": ", ".join(filter(None, (one["phase"], one.get("task")))),
                "labels": one["labels"],
                "calibrated": one.get("calibrated"),
                "scores": sorted(one["scores"].items(), key=lambda pair: -pair[1]),
            }
            for one in classes
        ],
    }


def statuses(one: Mapping[str, Any]) -> str:
    """What is said of an entity beside its label."""
    return ", ".join(each["label"] for each in (one.get("statuses") or {}).values())


def tints(found: Mapping[str, Any]) -> Callable[[str], int]:
    """A colour for each label."""
    labels = sorted({one["label"] for one in found["spans"]})
    return lambda label: labels.index(label) % TINTS


def pieces_of(text: str, found: list[Mapping[str, Any]]) -> list[Piece]:
    """A text with what was found in it marked."""
    spans = sorted({Span(one["start"], one["end"], one["label"]) for one in found})
    return list(marked(text, spans, 0, len(text), None))
