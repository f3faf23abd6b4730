"""A real Label Studio: make test-label-studio. The commands are those of docs/label-studio.md."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from components.__main__ import main
from components.answers.findings import Classes, Entity, Findings, LabelledSpan, Status
from components.answers.formats import Asked
from components.records.record import read_records
from components.tasks.base import TaskSettings
from containers.serve.label_studio import prediction, project_of
from pipelines.labelling.writing import labelling_config
from tests.components.ingest.exports import OUTPUTS
from tests.docs.blocks import blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "label-studio.md"
PROGRAM = ROOT / "build" / "label-studio" / "venv" / "bin" / "label-studio"
HERE = "run: tests/live/test_label_studio.py"
USER, PASSWORD = "ada@example.org", "correct-horse-battery"  # pragma: allowlist secret
NAMES = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Mary Somerville", "George Boole"]
# As a test must not wait for a model that is good.
QUICK = """
      set:
        training.max_steps: 6
        training.eval_frequency: 3
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], folder: Path, ready: Callable[[str], bool], **environment: str
) -> Iterator[Callable[[], str]]:
    """A program that runs while the block does, once it is ready; yields what it has printed."""
    log = folder / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    try:
        until(lambda: ready(log.read_text("utf-8")), lambda: log.read_text("utf-8")[-2000:])
        yield lambda: log.read_text("utf-8")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(true: Callable[[], bool], said: Callable[[], str] = str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, said()
        time.sleep(0.5)


class Server:
    """A server with one user, who has signed in."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.session = requests.Session()
        self.session.get(f"{self.url}/user/login/", timeout=60)
        signed = self.post("/user/login/", data={"email": USER, "password": PASSWORD})
        assert signed.status_code == 302, signed.text
        self.token = self.post("/api/token/").json()["token"]

    def post(self, route: str, **body: Any) -> requests.Response:
        token = self.session.cookies["csrftoken"]
        headers = {"X-CSRFToken": token, "Referer": self.url}
        return self.session.post(
            self.url + route, headers=headers, timeout=120, allow_redirects=False, **body
        )

    def get(self, route: str) -> Any:
        answer = self.session.get(self.url + route, timeout=120)
        assert answer.ok, answer.text
        return answer.json()

    def export(self, project: int) -> bytes:
        route = f"{self.url}/api/projects/{project}/export?exportType=JSON"
        return self.session.get(route, timeout=120).content


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("label-studio")
    port = free_port()
    command = [*(str(PROGRAM), "start", "--no-browser", "--internal-host", "127.0.0.1")]
    command += ["--port", str(port), "--username", USER, "--password", PASSWORD]

    def ready(_: str) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/health/", timeout=5).ok
        except requests.RequestException:
            return False

    environment = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    with running(command, folder, ready, **environment):
        yield Server(port)


Said = list[tuple[Any, ...]]
Ingested = Callable[[str, Sequence[TaskSettings]], Said]


@pytest.fixture
def ingested(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Ingested:
    """What `ingest` makes of a source: the same of the same, whatever its file is called."""
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", server.token)

    def ingested(path: str, tasks: Sequence[TaskSettings]) -> Said:
        out = tmp_path / f"ingested-{time.monotonic_ns()}"
        arguments = {
            "sources": json.dumps([{"path": path}]),
            "tasks": json.dumps([task.model_dump() for task in tasks]),
            "settings": json.dumps({"required": []}),
            "store": str(out / "store"),
            **{name: str(out / name) for name in OUTPUTS},
        }
        assert (
            main(["ingest", *(w for name, v in arguments.items() for w in (f"--{name}", v))]) == 0
        )
        [kept] = out.glob("store/*/annotations.jsonl")
        return [(one.id, one.text, one.answers, one.meta) for one in read_records(kept)]

    return ingested


def letter(number: int) -> tuple[str, list[dict[str, Any]]]:
    """A text, and what an annotator says of it."""
    name, tax = NAMES[number % 5], number % 2 == 0
    text = f"HMRC wrote to {name} about {'income tax' if tax else 'her visa'}, letter {number}."

    def marked(start: int, end: int, label: str) -> dict[str, Any]:
        value = {"start": start, "end": end, "text": text[start:end], "labels": [label]}
        return said("entities", "labels", value, f"{start}")

    def said(control: str, kind: str, value: dict[str, Any], name: str) -> dict[str, Any]:
        return {"id": name, "from_name": control, "to_name": "text", "type": kind, "value": value}

    topic = said("topic", "choices", {"choices": ["TAX" if tax else "VISA"]}, "t")
    return text, [marked(0, 4, "ORG"), marked(14, 14 + len(name), "PERSON"), topic]


class Desk:
    """A folder in which the commands of the page are run, and a person who annotates."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.ports = {"8080": server.port, "8081": free_port(), "8082": free_port()}
        self.blocks = [block for block in blocks(PAGE) if block.mark == HERE]
        text = next(block.code for block in blocks(PAGE) if block.language == "yaml")
        text = self.here(text).replace(
            "train: {config: cnn-tasks}", f"train:\n      config: cnn-tasks{QUICK}"
        )
        text = text.replace("new_annotations: 50, quiet: 5m", "new_annotations: 6, quiet: 1s")
        (folder / "my.yaml").write_text(text, encoding="utf-8")

    def here(self, text: str) -> str:
        """A text with the ports of this test."""
        for port, free in self.ports.items():
            text = text.replace(f":{port}", f":{free}").replace(f" {port}", f" {free}")
        return text

    def run_block(self, with_: str) -> str:
        """Run the block of the page that has something in it, after those that set it up."""
        shell = next(block.code for block in self.blocks if "access()" in block.code)
        [wanted] = [block.code for block in self.blocks if with_ in block.code]
        setup = "" if wanted == shell else shell.partition("python3")[0]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(f"{setup}\n{wanted}")],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "LABEL_STUDIO_API_KEY": self.server.token}

    def annotate(self, numbers: Sequence[int], **more: Any) -> None:
        for number in numbers:
            body = {"result": letter(number)[1], "lead_time": 1.0, **more}
            answer = self.server.post(f"/api/tasks/{number + 1}/annotations/", json=body)
            assert answer.status_code == 201, answer.text

    def predictions(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.get(f"/api/predictions/?task={number + 1}")
        return found


def test_the_page_from_an_empty_server_to_a_model_that_is_replaced(
    server: Server, tmp_path: Path, ingested: Ingested
) -> None:
    desk = Desk(tmp_path, server)
    texts = [{"text": letter(number)[0]} for number in range(80)]
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    desk.run_block("retrain labelling")
    desk.run_block("access()")
    desk.annotate(range(60))
    desk.annotate([60], was_cancelled=True)
    desk.annotate([61], ground_truth=True)

    # The same records as from its own export.
    tasks = [
        TaskSettings(name="entities", kind="ner", labels=["ORG", "PERSON"]),
        TaskSettings(name="topic", kind="textcat", labels=["TAX", "VISA"], exclusive=True),
    ]
    (tmp_path / "export.json").write_bytes(server.export(1))
    read = ingested(f"labelstudio://127.0.0.1:{server.port}/1", tasks)
    assert read == ingested(str(tmp_path / "export.json"), tasks)
    assert len(read) == 61

    desk.run_block("retrain check")
    serve = [sys.executable, "-m", "pipelines", "serve", "letters", "--label-studio"]
    serve += ["--port", str(desk.ports["8081"])]
    watch = [sys.executable, "-m", "pipelines", "watch", "my.yaml", "--every", "1h"]
    watch += ["--webhook", str(desk.ports["8082"])]
    token = {"LABEL_STUDIO_API_KEY": server.token}
    with running(serve, tmp_path, lambda log: '"ready"' in log):
        desk.run_block("api/ml/")
        desk.run_block("dm/actions")
        [first] = desk.predictions(70)
        assert first["model_version"] == "letters@1" and 0 <= first["score"] <= 1
        assert any(one["from_name"] == "topic" for one in first["result"])

        with running(watch, tmp_path, lambda log: "waits" in log, **token) as said:
            desk.run_block("api/webhooks")
            desk.annotate(range(62, 70))  # each calls the webhook
            until(lambda: "the retrain has ended" in said(), said)
            assert re.search(r"entities 8, topic 8 new of 6: retrains", said())
        until(lambda: version(desk) == "letters@2")
        desk.run_block("dm/actions")
        assert {one["model_version"] for one in desk.predictions(70)} >= {"letters@2"}
    label_next(desk, ingested, tasks)


def label_next(desk: Desk, ingested: Ingested, tasks: Sequence[TaskSettings]) -> None:
    """What `retrain queue` chose is in the project, prefilled, and comes back as what it is."""
    draw = random.Random(0)
    unlike = ["".join(draw.choices("abcdefghij ", k=80)).strip() for _ in range(40)]
    pool = [*(letter(number)[0] for number in range(60, 70)), *unlike]
    (desk.folder / "pool.txt").write_text("\n".join(pool), encoding="utf-8")
    said = desk.run_block("retrain queue")
    assert "left out: annotated: 10" in said  # one of them skipped
    command = said.splitlines()[-1].strip()
    assert command.endswith(f"{desk.server.url}/api/projects/1/import -d @next.json")
    subprocess.run(["bash", "-c", command], cwd=desk.folder, env=desk.environment, check=True)
    queue = json.loads((desk.folder / "next.json").read_text("utf-8"))
    listed = desk.server.get("/api/tasks?project=1&page_size=200&fields=all")["tasks"]
    there = {one["data"]["text"]: one for one in listed if one["meta"]}
    assert {one["data"]["text"] for one in queue} == {*there}
    assert len(there) == 20
    for task in there.values():
        [prediction] = desk.server.get(f"/api/predictions/?task={task['id']}")
        assert prediction["model_version"] == "letters 2" and 0 <= prediction["score"] <= 1
        body = {"result": prediction["result"], "lead_time": 1.0}
        answer = desk.server.post(f"/api/tasks/{task['id']}/annotations/", json=body)
        assert answer.status_code == 201, answer.text
    read = ingested(f"labelstudio://127.0.0.1:{desk.server.port}/1", tasks)
    answered = [meta for _, text, _, meta in read if text in there]
    assert len(answered) == 20
    assert all((meta["why"] == "random") != (meta.get("split") == "train") for meta in answered)


def version(desk: Desk) -> str:
    url = f"http://127.0.0.1:{desk.ports['8081']}/label-studio/setup"
    return str(requests.post(url, json={}, timeout=60).json()["model_version"])


def test_what_models_say_for_every_kind_is_taken_and_comes_back(
    server: Server, tmp_path: Path, ingested: Ingested
) -> None:
    tasks = [
        TaskSettings(name="entities", kind="ner", labels=["FINDING"]),
        TaskSettings(name="cues", kind="spans", labels=["NEG"]),
        TaskSettings(name="topic", kind="textcat", labels=["TAX", "VISA"], exclusive=True),
        TaskSettings(name="flags", kind="textcat", labels=["URGENT", "LATE"], exclusive=False),
        TaskSettings(
            name="status",
            kind="assertion",
            labels=["Present", "Absent"],
            of="entities",
            key="assertion",
            default="Present",
        ),
    ]
    config = labelling_config(tasks)
    made = server.post("/api/projects/", json={"title": "every kind", "label_config": config})
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    text = "No fever 🎉 but a cough"
    fever = {"text": "fever", "start": 3, "end": 8, "phase": "notes"}
    cough = {"text": "cough", "start": 17, "end": 22, "phase": "notes"}
    absent = {"status": Status(label="Absent", confidence=0.7)}
    said = Findings(
        entities=[
            Entity(**fever, label="FINDING", confidence=0.9, statuses=absent),
            Entity(**cough, label="FINDING", confidence=0.9),
        ],
        spans=[
            LabelledSpan(text="No", start=0, end=2, phase="notes", label="NEG", task="cues"),
            LabelledSpan(text="No fever", start=0, end=8, phase="notes", label="NEG", task="cues"),
        ],
        classes=[
            Classes(phase="notes", task="topic", labels=["TAX"], scores={"TAX": 0.9, "VISA": 0.1}),
            Classes(phase="notes", task="flags", labels=["URGENT"], scores={"URGENT": 0.9}),
        ],
    )
    asked = Asked(entities="entities", spans=("cues",), names={"status": "assertion"})
    prefilled = prediction(project_of(config), said, asked, {"notes": "4"})
    # Of one answer alone nothing is learnt: another text has the other classes.
    other = said.model_copy(
        update={
            "entities": [],
            "spans": None,
            "classes": [
                Classes(
                    phase="notes", task="topic", labels=["VISA"], scores={"TAX": 0.1, "VISA": 0.9}
                ),
                Classes(phase="notes", task="flags", labels=["LATE"], scores={"LATE": 0.9}),
            ],
        }
    )
    second = prediction(project_of(config), other, asked, {"notes": "4"})
    queue = [
        {"data": {"text": text}, "predictions": [prefilled]},
        {"data": {"text": "Her visa is late"}, "predictions": [second]},
    ]
    assert server.post(f"/api/projects/{number}/import", json=queue).status_code == 201
    accept = f"/api/dm/actions/?id=predictions_to_annotations&project={number}"
    everything = {"selectedItems": {"all": True, "excluded": []}}
    assert server.post(accept, json=everything).status_code == 200
    (tmp_path / "export.json").write_bytes(server.export(number))
    read = ingested(f"labelstudio://127.0.0.1:{server.port}/{number}", tasks)
    assert read == ingested(str(tmp_path / "export.json"), tasks)
    (_, same, answers, _), (_, _, others, _) = read
    assert same == text and others["topic"].cats["VISA"]

    def spans(task: str) -> list[tuple[str, str]]:
        return [(text[one.start : one.end], one.label) for one in answers[task].spans]

    assert spans("entities") == [("fever", "FINDING"), ("cough", "FINDING")]
    assert {*spans("cues")} == {("No", "NEG"), ("No fever", "NEG")}
    assert ("fever", "Absent") in spans("status")
    assert answers["topic"].cats["TAX"] and answers["flags"].cats["URGENT"]
