"""What stands between the network and the app: a log and a count of each answer, limits, hosts."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from containers.serve.metrics import Metrics

# A client that is still sending when it is refused may not read before it has sent all.
DISCARD_SECONDS = 5.0
DISCARD_BYTES = 1 << 28


class Watch:
    """Counts and logs every answer: its route, status, time and sizes, and never a text."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = time.perf_counter()
        # An exception that leaves the app ends as a 500 outside of this.
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            # The route as declared: a path that anybody may invent must not become a new metric.
            route = getattr(scope.get("route"), "path", "other")
            seconds = time.perf_counter() - started
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            sizes = scope.get("state", {}).get("sizes", {})
            log("answered", route=route, status=status, ms=round(seconds * 1000, 1), **sizes)


class LocalHost:
    """Refuses other names for this machine: a web page can give its own name our address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_loopback(Headers(scope=scope).get("host", "")):
            detail = "This server is for its own machine: ask it as 127.0.0.1 or localhost."
            await JSONResponse({"detail": detail}, 421)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine under a name of its own."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name in ("127.0.0.1", "localhost", "::1")


class BodyLimit:
    """Refuses a body that is too large, before it is held in memory, or too slow.

    Args:
        limit: bytes.
        seconds: from the first byte of a body to its last.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = Body(receive, self._limit, self._seconds)
        declared = Headers(scope=scope).get("content-length", "")
        body.refused = declared.isdecimal() and int(declared[:20]) > self._limit

        async def and_discard(message: Message) -> None:
            """Send the answer, and what ends it only when the client has had time to read it."""
            if body.refused and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            elif body.refused and not message.get("more_body"):
                await send({**message, "more_body": True})
                await body.discard()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(scope, body.receive, and_discard)


class Body:
    """The body of one request as it comes."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._received = 0
        self._more = True
        self.refused = False

    async def receive(self) -> Message:
        """The next part, or that the client has left.

        Raises:
            HTTPException: 413 for a body that is too large, 408 for one that does not come.
        """
        if not self._more:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = {} if self.refused else await self._next()
        except TimeoutError:
            self.refused = True
            raise HTTPException(
                408, f"The body did not come within body_seconds = {self._seconds:g}."
            ) from None
        self.refused = self.refused or self._received > self._limit
        if self.refused:
            raise HTTPException(413, f"The body has more than max_body = {self._limit} bytes.")
        return message

    async def _next(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        self._more = message["type"] == "http.request" and bool(message.get("more_body"))
        return message

    async def discard(self) -> None:
        """Take what is still being sent, for a while, and keep nothing of it."""
        try:
            async with asyncio.timeout(DISCARD_SECONDS):
                while self._more and self._received < DISCARD_BYTES:
                    await self._next()
        except TimeoutError:
            pass


def log(event: str, severity: str = "INFO", **values: Any) -> None:
    """Write one line of JSON, in the keys that Cloud Logging reads."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"severity": severity, "time": time, "message": event, **values}
    print(json.dumps(line), file=sys.stdout, flush=True)
