"""An address for webhooks: any request has the sources looked at now.

What it says is not read, and nothing is counted by it: an event that is lost, doubled or forged
changes nothing but the time of a look.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from components.errors import ConfigError

MOST = 10_000_000  # bytes of a body that are taken, and thrown away
SECONDS = 10.0  # that a client may take


@contextmanager
def listening(host: str, port: int, event: threading.Event) -> Iterator[int]:
    """Set an event at every POST while the block runs.

    Yields:
        the port.

    Raises:
        ConfigError: nobody may listen there.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = SECONDS

        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if length.isdecimal() and int(length) <= MOST:
                self.rfile.read(int(length))
            event.set()
            self.send_response(204)
            self.end_headers()

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise ConfigError(
            f"--webhook {port}: cannot listen on {host}: {error.strerror}. Choose another port."
        ) from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
