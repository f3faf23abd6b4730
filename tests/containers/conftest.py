"""Small spaCy pipelines on disk that find the same words every time, and servers of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx2
import pytest
import spacy

from components.answers.models import Models, Source, load

ROOT = Path(__file__).parents[2]
SERVER = (sys.executable, "-m", "containers.serve", "--host", "127.0.0.1")


def write_model(folder: Path, patterns: dict[str, str]) -> Path:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": text} for text, label in patterns.items()])
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Two phases that disagree about "Revenue"."""
    root = tmp_path_factory.mktemp("models")
    money = write_model(root / "phase-1", {"form P60": "FORM", "HM Revenue": "ORG", "£5": "MONEY"})
    places = write_model(root / "phase-2", {"London": "GPE", "Revenue": "TITLE", "🎉": "EVENT"})
    return [Source("phase-1", money), Source("phase-2", places, "7")]


@pytest.fixture(scope="session")
def models(folders: list[Source]) -> Models:
    return load(folders)


class Running:
    """A server in a process of its own."""

    def __init__(
        self,
        *arguments: str,
        program: Sequence[str] = SERVER,
        cwd: Path = ROOT,
        **environment: str,
    ) -> None:
        self._process = subprocess.Popen(
            [*program, *arguments],
            cwd=cwd,
            env={**os.environ, "AIP_HTTP_PORT": "0", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.log: list[dict[str, object]] = []
        self.noise: list[str] = []
        self.over = False
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = f"http://127.0.0.1:{self.wait_for('listening')['port']}"

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._more:
                try:
                    self.log.append(json.loads(line))
                except ValueError:
                    self.noise.append(line)
                self._more.notify_all()
        with self._more:
            self.over = True
            self._more.notify_all()

    def wait_for(self, message: str) -> dict[str, object]:
        """The first line of the log that says so."""
        with self._more:
            self._more.wait_for(lambda: self.over or any(self._lines(message)))
            assert any(self._lines(message)), "".join(self.noise)
            return self._lines(message)[0]

    def _lines(self, message: str) -> list[dict[str, object]]:
        return [line for line in self.log if line["message"] == message]

    def until_ready(self) -> Running:
        self.wait_for("ready")
        return self

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        code = self._process.wait()
        self._reader.join()
        return code


@pytest.fixture
def start(folders: list[Source]) -> Iterator[Callable[..., Running]]:
    """Start servers of both phases; all are stopped in the end."""
    started: list[Running] = []

    def start_one(*arguments: str, **environment: str) -> Running:
        named = [f"--model={s.phase}={s.folder}@{s.version}" for s in folders]
        started.append(Running(*(arguments or named), **environment))
        return started[-1]

    yield start_one
    for server in started:
        server.kill()
        server.wait()


def predict(url: str, *texts: str) -> list[dict[str, object]]:
    answer = httpx2.post(f"{url}/predict", json={"instances": list(texts)}, timeout=60)
    answer.raise_for_status()
    predictions: list[dict[str, object]] = answer.json()["predictions"]
    return predictions
