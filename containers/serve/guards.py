"""What stands between the network and the app: a log and a count of each answer, a size limit."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from containers.serve.metrics import Metrics


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


class BodyLimit:
    """Refuses a body that is too large, before it is held in memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(413, f"The body has more than max_body = {self._limit} bytes.")
            return message

        await self._app(scope, limited, send)


def log(event: str, severity: str = "INFO", **values: Any) -> None:
    """Write one line of JSON, in the keys that Cloud Logging reads."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"severity": severity, "time": time, "message": event, **values}
    print(json.dumps(line), file=sys.stdout, flush=True)
