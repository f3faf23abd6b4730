"""The notify stage against a real HTTP server on this machine."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from components.google_cloud import EMULATOR_VARIABLE
from components.html.format import counted
from components.notify import webhook
from components.notify.command import failed_stage

FAILED = {"state": "FAILED", "error": {"code": 9, "message": "phase-1/ingest: bad record"}}


class Hook:
    """Keeps what is posted, and answers with `answers` in turn, then with 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.posted: list[Any] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posted.append(json.loads(body))
                code = hook.answers.pop(0) if hook.answers else 200
                if not code:
                    return  # the connection is dropped without a word
                self.send_response(code)
                self.send_header("Location", f"{hook.url}elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/token-of-ours"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setattr(webhook, "FIRST_WAIT_SECONDS", 0.01)
    running = Hook()
    yield running
    running.server.shutdown()
    running.server.server_close()


def notify(url: str, *more: str) -> int:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WEBHOOK", url)
        return run("env:WEBHOOK" if url else "", *more)


def run(webhook: str, *more: str) -> int:
    return main(
        [
            *("notify", "--webhook", webhook, "--pipeline", "content", "--phase", "phase-1"),
            *("--run", "content-1", "--place", "my-project/europe-west2", *more),
        ]
    )


def test_a_failure_is_reported_with_its_reason_and_a_link(hook: Hook, tmp_path: Path) -> None:
    models = ("--registry", str(tmp_path), "--model", "ner")
    assert notify(hook.url, "--status", json.dumps(FAILED), *models) == 0
    said = "failed in ingest, production unchanged: nothing is in production"
    (message,) = hook.posted
    link = (
        "https://console.cloud.google.com/vertex-ai/locations/europe-west2/pipelines/runs/"
        "content-1?project=my-project"
    )
    assert message == {
        "text": f"content, phase-1: {said}. phase-1/ingest: bad record Run content-1 {link}",
        "event": "failed",
        "outcome": "failed",
        "message": said,
        "in_production": "",
        "pipeline": "content",
        "run": "content-1",
        "phase": "phase-1",
        "state": "FAILED",
        "decision": "",
        "why": "phase-1/ingest: bad record",
        "link": link,
    }


def test_a_hold_is_reported_with_its_decision(hook: Hook) -> None:
    assert notify(hook.url, "--held", "Held back: F is ≤ 0.5.", "--place", "") == 0
    (message,) = hook.posted
    assert (message["event"], message["decision"], message["link"]) == ("held", "hold", "")
    assert message["text"] == (
        "content, phase-1: held, what is in production is not known (no registry was named). "
        "Held back: F is ≤ 0.5. Run content-1"
    )
    assert message["in_production"] is None


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        ("The DAG failed because some tasks failed. The failed tasks are: [train].", "train"),
        ("phase-1/convert: no such label", "convert"),
        ("Its logs say why.", ""),
    ],
)
def test_the_stage_that_failed(error: str, stage: str) -> None:
    assert failed_stage(error) == stage


@pytest.mark.parametrize("state", ["SUCCEEDED", "CANCELLED", "NOT_TRIGGERED"])
def test_what_has_not_failed_is_not_reported(hook: Hook, state: str) -> None:
    assert notify(hook.url, "--status", json.dumps({"state": state})) == 0
    assert hook.posted == []


def test_without_a_webhook_it_is_only_printed(
    hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notify("", "--held", "Held back.") == 0
    assert "content, phase-1: held, " in capsys.readouterr().out


@pytest.mark.parametrize("answers", [[503], [0], [429, 502, 0]])
def test_a_passing_fault_is_waited_out(hook: Hook, answers: list[int]) -> None:
    hook.answers = list(answers)
    assert notify(hook.url, "--held", "Held back.") == 0
    assert len(hook.posted) == len(answers) + 1


@pytest.mark.parametrize(
    ("answers", "times", "said"),
    [
        ([500] * 9, 4, "it answered 500 Internal Server Error"),
        ([0] * 9, 4, "it cannot be reached"),
        ([404], 1, "it answered 404 Not Found"),
        ([302], 1, "it answered 302 Found"),
    ],
)
def test_what_nobody_takes_is_an_error_that_tells_no_secret(
    hook: Hook, answers: list[int], times: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.answers = answers
    assert notify(hook.url, "--held", "Held back.") == 5
    assert len(hook.posted) == times
    printed = capsys.readouterr()
    assert (
        f"127.0.0.1 did not take the message in {counted(times, 'attempt')}: {said}" in printed.err
    )
    assert "token-of-ours" not in printed.out + printed.err


def test_an_answer_that_never_comes_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, hook: Hook
) -> None:
    monkeypatch.setattr(webhook, "CALL_SECONDS", 0.05)
    monkeypatch.setattr(webhook, "ATTEMPTS", 2)
    hook.server.shutdown()  # it still accepts, and never answers
    assert notify(hook.url, "--held", "Held back.") == 5


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "file:///etc/passwd", "http://127.0.0.1.example.org/"]
)
def test_only_https_or_this_machine(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify(url, "--held", "Held back.") == 2
    printed = capsys.readouterr()
    assert "env:WEBHOOK holds no address" in printed.err
    assert url not in printed.out + printed.err


class Secrets:
    """Secret Manager's answer to one question."""

    def __init__(self, content: str) -> None:
        self.asked: list[str] = []
        secrets = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                secrets.asked.append(self.path)
                there = "/secrets/hook/" in self.path
                data = {"payload": {"data": base64.b64encode(content.encode()).decode()}}
                body = json.dumps(data if there else {"error": {"code": 403}}).encode()
                self.send_response(200 if there else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def secrets(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Secrets]:
    running = Secrets(f"{hook.url}\n")
    monkeypatch.setenv(EMULATOR_VARIABLE, f"http://127.0.0.1:{running.server.server_port}")
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_the_address_comes_from_secret_manager(
    secrets: Secrets, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("projects/p/secrets/hook/versions/latest", "--held", "Held back.") == 0
    assert len(hook.posted) == 1
    assert secrets.asked == [
        "/secretmanager.googleapis.com/v1/projects/p/secrets/hook/versions/latest:access"
    ]
    assert run("projects/p/secrets/other/versions/3", "--held", "Held back.") == 5
    printed = capsys.readouterr()
    assert "roles/secretmanager.secretAccessor" in printed.err
    assert "token" not in printed.out + printed.err


@pytest.mark.parametrize("reference", ["env:NOBODY_SET_THIS", "https://example.org/token-of-ours"])
def test_what_names_no_address_is_refused_and_not_repeated(
    reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(reference, "--held", "Held back.") == 2
    printed = capsys.readouterr()
    assert "notify.webhook: " in printed.err
    assert "token-of-ours" not in printed.out + printed.err


@pytest.mark.parametrize("status", ["", "{}", "[]", '"FAILED"'])
def test_a_status_that_is_none_is_refused(
    hook: Hook, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notify(hook.url, "--status", status) == 2
    assert "--status: not a final status" in capsys.readouterr().err
