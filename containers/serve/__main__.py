"""`python -m containers.serve`: the server, in the image and behind `retrain serve`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from components.answers.inference import use_bfloat16
from components.answers.models import Models, Source, load, sources_in
from components.errors import ConfigError, RetrainError
from components.files import FAULTS, refusal
from containers.serve.app import Server, build
from containers.serve.connection import Connection
from containers.serve.guards import is_loopback, log
from containers.serve.options import Options, from_environment
from containers.serve.storage import verified_folder

BACKLOG = 2048  # uvicorn's own


class GracefulServer(uvicorn.Server):
    """Tells the load balancer first, then closes the door, then finishes what is inside."""

    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self._state = server
        self.error: Exception | None = None
        self._closes: float | None = None
        server.failed = self._fail
        self.port = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.port = self.servers[0].sockets[0].getsockname()[1]
        log("listening", port=self.port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if sig == signal.SIGINT or self._state.draining or not self._state.ready:
            self.should_exit = True
            return
        # Nothing else: a signal may come in the middle of a line of the log.
        self._state.draining = True

    async def on_tick(self, counter: int) -> bool:
        if self._state.draining and self._closes is None:
            log("draining", seconds=self._state.options.drain)
            self._closes = time.monotonic() + self._state.options.drain
        if self._closes is not None and time.monotonic() >= self._closes:
            self.should_exit = True
        return await super().on_tick(counter)

    def _fail(self, error: Exception) -> None:
        self.error = error
        self.should_exit = True


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m containers.serve", description=__doc__)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="PHASE=FOLDER[@VERSION]",
        help="a phase and its model; several in the order in which overlaps are resolved "
        "(default: what AIP_STORAGE_URI holds)",
    )
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen on")  # noqa: S104
    args = parser.parse_args(argv)
    try:
        options = from_environment(os.environ)
        serve(options, [source(text) for text in args.model], args.host)
    except RetrainError as error:
        print(f"serve: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno not in FAULTS:
            raise
        print(f"serve: {refusal(error.filename or 'a model', error)}", file=sys.stderr)
        return RetrainError.exit_code
    return 0


def source(text: str) -> Source:
    """Read PHASE=FOLDER[@VERSION].

    Raises:
        ConfigError: it is not of that form.
    """
    phase, equals, place = text.partition("=")
    folder, _, version = place.rpartition("@")
    if not folder or "/" in version:  # a folder's name may have the sign, a version has no slash
        folder, version = place, ""
    if not (phase and equals and folder):
        raise ConfigError(f"--model {text}: expected PHASE=FOLDER or PHASE=FOLDER@VERSION.")
    return Source(phase, Path(folder), version)


def serve(
    options: Options,
    sources: list[Source],
    host: str,
    announce: Callable[[int], None] = lambda _port: None,
    newer: Callable[[], list[Source] | None] | None = None,
) -> None:
    """Serve until told to stop.

    Args:
        announce: called with the port once the models answer.
        newer: says what is to be served instead by now; None where that is what is served.

    Raises:
        RetrainError: there is no model that can be served, or nobody may listen there.
    """

    def load_models(sources: list[Source] = sources) -> Models:
        models = load(sources or sources_in(verified_folder(options.storage_uri, options.digest)))
        if options.precision == "bfloat16":
            for phase in models.phases.values():
                use_bfloat16(phase.nlp)
        return models

    def newer_models() -> Callable[[], Models] | None:
        found = newer() if newer else None
        return partial(load_models, found) if found else None

    if not sources and not options.storage_uri:
        raise ConfigError(
            "There is no model to serve: set AIP_STORAGE_URI, or name one with --model."
        )
    server = Server(options, load_models, newer_models if newer else None)
    config = uvicorn.Config(
        build(server, local=is_loopback(host)),
        http=Connection,
        headers=[("X-Content-Type-Options", "nosniff")],
        host=host,
        port=options.http_port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=30,
    )
    listening = GracefulServer(config, server)
    server.announce = lambda: announce(listening.port)
    with door(host, options.http_port) as opened:
        listening.run([opened])
    if listening.error:
        raise listening.error


def door(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigError: somebody else listens there, or it may not be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {why}. Choose another port, or end what "
            "listens there."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
