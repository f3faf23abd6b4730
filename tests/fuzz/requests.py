"""Hostile requests to a running server: each has an answer, and none harms the next."""

from __future__ import annotations

import json
import random
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.containers.conftest import Running, predict, write_model
from tests.fuzz.mutations import as_json, damaged_bytes, damaged_value
from tests.fuzz.outcome import Outcome

CLIENTS = 8
PATIENCE, SECONDS = 1.0, 30.0  # for an answer: before a client ends its side, and after that
EXPECTED = {200, 400, 403, 404, 405, 408, 411, 413, 421, 422, 429, 431, 501, 505}
PATHS = ["/predict", "/phases/model/predict", "/phases/%00/predict", "/health", "/metrics", "/*"]
METHODS = ["POST", "POST", "POST", "POST", "GET", "PUT", "HEAD", "OPTIONS", "TRACE", "ŧ"]
HEADERS = [
    "Content-Type: application/json",
    "Content-Type: text/plain",
    "Host: localhost",
    "Host: evil.example",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Connection: Upgrade\r\nUpgrade: websocket",
    "Content-Encoding: gzip",
    "X: " + "y" * 5000,
]
BODY = {
    "instances": ["Send form P60 to London.", {"text": "London", "meta": {"id": [7, {"x": None}]}}],
    "parameters": {"phases": ["model"], "confidence": False},
}


def request(source: random.Random) -> bytes:
    """A request with something wrong in its value, its bytes, its head, or nowhere."""
    value = BODY
    for _ in range(source.choice([0, 1, 1, 3])):
        value = damaged_value(value, source)
    body = as_json(value)
    if source.random() < 0.3:
        body = damaged_bytes(body, source)
    if source.random() < 0.05:
        body += b" " * 5_000_000
    extra = source.sample(HEADERS, source.choice([0, 0, 1, 2]))
    length = len(body) + (source.choice([-5, 5, 10**12]) if source.random() < 0.1 else 0)
    post = source.random() < 0.7
    head = [
        f"{'POST' if post else source.choice(METHODS)} "
        f"{'/predict' if post else source.choice(PATHS)} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        *([] if extra else ["Content-Type: application/json"]),
        *extra,
        f"Content-Length: {length}",
    ]
    message = "\r\n".join(head).encode() + b"\r\n\r\n" + body
    return (
        damaged_bytes(message[:400], source) + message[400:] if source.random() < 0.2 else message
    )


def answer(port: int, message: bytes) -> str:
    """The status of the answer, or how the connection ended without one."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        try:
            client.sendall(message)
            while not received:
                try:
                    received = client.recv(1 << 16)
                except TimeoutError:
                    if client.gettimeout() == SECONDS:
                        return "no end"
                    # It may wait for what does not come: say so.
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(SECONDS)
                else:
                    break
        except ConnectionError:
            pass
    for line in received.split(b"\r\n"):
        if line.startswith(b"HTTP/1.1 ") and not line.startswith(b"HTTP/1.1 100"):
            return line[9:12].decode()
    return "closed"


def fuzz(count: int, seed: int) -> Outcome:
    """Send `count` requests from several clients at once, and ask for a right answer in between."""
    outcome, source = Outcome(), random.Random(seed)
    with TemporaryDirectory() as folder:
        model = write_model(Path(folder) / "model", {"London": "GPE", "form P60": "FORM"})
        server = Running(f"--model=model={model}", RETRAIN_SERVE_BODY_SECONDS="2").until_ready()
        port = int(server.url.rpartition(":")[2])
        try:
            with ThreadPoolExecutor(CLIENTS) as pool:
                while outcome.tried < count:
                    messages = [request(source) for _ in range(min(100, count - outcome.tried))]
                    answers = pool.map(lambda message: answer(port, message), messages)
                    for message, status in zip(messages, answers, strict=True):
                        note(outcome, message, status)
                    [prediction] = predict(server.url, "to London")
                    entities = json.dumps(prediction["entities"])
                    if '"London"' not in entities:
                        outcome.faults.append(f"a wrong answer afterwards: {entities}")
        finally:
            server.terminate()
            code = server.wait()
    _, traceback, rest = "".join(server.noise).partition("Traceback")
    if code or traceback:
        outcome.faults.append(f"the server ended with {code}: {traceback}{rest[:3000]}")
    return outcome


def note(outcome: Outcome, message: bytes, status: str) -> None:
    outcome.tried += 1
    outcome.counts[status] += 1
    if status == "no end" or (status.isdecimal() and int(status) not in EXPECTED):
        outcome.faults.append(f"{status}: {message[:600]!r}")
