"""Serves the app on this machine alone, until told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from components.errors import ConfigError
from containers.serve.connection import Connection

HOST = "127.0.0.1"
# Pages that follow a run hold their connection open for as long as it takes.
GRACE_SECONDS = 1


class Announced(uvicorn.Server):
    """Says where it is once it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def listen(port: int) -> socket.socket:
    """A socket of this machine; port 0 takes any that is free.

    Raises:
        ConfigError: the port cannot be had.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"Port {port}: {reason}. Choose another: --port 0 takes any.") from error
    return listening


def serve(app: FastAPI, listening: socket.socket, announce: Callable[[], None]) -> None:
    """Serve an app until a signal says to stop."""
    config = uvicorn.Config(
        app,
        http=Connection,
        headers=[("X-Content-Type-Options", "nosniff")],
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    Announced(config, announce).run([listening])
