"""What a hostile or a broken client meets before the app: a server and raw sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
import uvicorn
from uvicorn.server import ServerState

from containers.serve import connection
from containers.serve.guards import is_loopback
from tests.containers.conftest import Running

Start = Callable[..., Running]


@pytest.fixture
def server(start: Start) -> Running:
    return start(
        RETRAIN_SERVE_MAX_BODY="1000",
        RETRAIN_SERVE_BODY_SECONDS="0.5",
        RETRAIN_SERVE_OPENAPI="false",
    ).until_ready()


def talk(url: str, *parts: bytes) -> Iterator[bytes]:
    """Send parts and yield what has come by the end of the connection, even if it is reset."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        for part in parts:
            client.sendall(part)
        while received := client.recv(1 << 16):
            yield received


def head(length: int) -> bytes:
    return (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def test_a_body_that_is_too_large_gets_its_answer_before_the_connection_ends(
    server: Running,
) -> None:
    """To a client that sends all before it reads, and to one that has sent nothing yet."""
    whole = b"".join(talk(server.url, head(20_000_000), b" " * 20_000_000))
    assert whole.startswith(b"HTTP/1.1 413 ")
    assert b"max_body = 1000" in whole
    assert next(talk(server.url, head(20_000_000))).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_come_ends_with_408(server: Running) -> None:
    answer = b"".join(talk(server.url, head(500), b'{"instances":'))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body_seconds = 0.5" in answer


def test_a_head_that_does_not_come_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a client sends a little of it."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)

    async def scenario() -> bytes:
        config = uvicorn.Config(lambda: None, lifespan="off", log_level="error")  # type: ignore[arg-type,return-value]
        config.load()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(
            lambda: connection.Connection(config, ServerState(), {}), "127.0.0.1", 0
        )
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\n")
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            writer.write(b"X: y\r\n")
            await asyncio.wait([ended], timeout=0.05)
        listening.close()
        return ended.result()

    started = time.monotonic()
    assert asyncio.run(asyncio.wait_for(scenario(), 30)) == b""
    assert time.monotonic() - started >= 0.3


def test_a_body_that_is_no_http_gets_one_answer(server: Running) -> None:
    chunked = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    answer = b"".join(talk(server.url, chunked + b"5\r\nabcde\r\nno length\r\n"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    # A HEAD has no body in its answer, so h11 itself could not send one.
    endless = chunked.replace(b"POST", b"HEAD") + b"5" * 100_000
    assert b"".join(talk(server.url, endless)).startswith(b"HTTP/1.1 4")
    server.terminate()
    assert server.wait() == 0
    assert "Traceback" not in "".join(server.noise)


def test_a_server_for_its_own_machine_answers_to_no_other_name(server: Running) -> None:
    def status(host: str) -> int:
        return httpx2.get(f"{server.url}/health", headers={"Host": host}).status_code

    assert [status(host) for host in ("localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:80")] == [
        200
    ] * 4
    assert [status(host) for host in ("evil.example", "localhost.evil.example", "10.0.0.1")] == [
        421
    ] * 3
    assert not is_loopback("")
    assert not is_loopback("[::1")


def test_every_answer_forbids_guessing_its_type(server: Running) -> None:
    for path, status in (("/health", 200), ("/nothing", 404), ("/openapi.json", 404)):
        answer = httpx2.get(server.url + path)
        assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (status, "nosniff")
    refused = httpx2.post(f"{server.url}/predict", json={"instances": ["a" * 2000]})
    assert (refused.status_code, refused.headers["X-Content-Type-Options"]) == (413, "nosniff")


def test_work_of_a_client_that_has_gone_is_not_done(start: Start) -> None:
    server = start(RETRAIN_SERVE_BATCH_WAIT="1", RETRAIN_SERVE_BATCH_TEXTS="4").until_ready()
    body = json.dumps({"instances": ["London"]}).encode()
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head(len(body)) + body)
    while not any(line.get("status") == 499 for line in server.log):
        pass
    assert "retrain_queue_texts 0.0" in httpx2.get(f"{server.url}/metrics").text


def test_answers_are_sent_at_once() -> None:
    """Whoever opened the listening socket: each answer came 40 ms late."""
    at_once: list[int] = []

    class Watched(connection.Connection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            opened = transport.get_extra_info("socket")
            at_once.append(opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def app(scope: object, receive: object, send: object) -> None:
        """Answers nothing: connecting is enough."""

    async def connect(listening: socket.socket) -> None:
        server = uvicorn.Server(uvicorn.Config(app, http=Watched, lifespan="off"))
        serving = asyncio.create_task(server.serve([listening]))
        _, writer = await asyncio.open_connection(*listening.getsockname())
        while not at_once:
            await asyncio.sleep(0)
        writer.close()
        server.should_exit = True
        await serving

    with socket.create_server(("127.0.0.1", 0)) as listening:
        asyncio.run(connect(listening))
    assert at_once == [1]
