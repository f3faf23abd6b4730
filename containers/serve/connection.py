"""A connection that does not wait for ever: uvicorn itself waits as long as a client likes."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"X-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: 15\r\n\r\n"
    b"This is no HTTP"
)


class Connection(H11Protocol):
    """Closes when the head of a request has not come whole some seconds after it was awaited.

    Between two requests uvicorn's own, shorter limit counts as long as nothing comes at all.
    """

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        # asyncio does this only where the listening socket was made for TCP by number. Without it
        # a body waits until the client has acknowledged the head, 40 ms later.
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._await_head()

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state is h11.IDLE:
            self._await_head()
        else:
            self._stop_waiting()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what is no HTTP, and have no answer of the app follow: a body may be at fault.

        Not by h11, which may be in a state where it sends nothing.
        """
        answering = self.cycle is not None and not self.cycle.response_complete
        if not (answering and self.cycle.response_started):
            self.transport.write(BAD_REQUEST)
        self.transport.close()
        if answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _stop_waiting(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None
