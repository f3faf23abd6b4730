"""A server on 127.0.0.1 that stands in for a service, and can be told to misbehave."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import unquote


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = HTTPStatus(code)
        self.message = message


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match.

    Attributes:
        request: regular expression over "METHOD path".
        status: answer with this HTTP status, without acting.
        drop: close the connection before or after acting.
        delay: act, and answer only after this many seconds.
    """

    request: str
    times: int = 1
    status: int = 0
    drop: Literal["", "before", "after"] = ""
    delay: float = 0.0


class Service:
    """A service: the requests that came, and the faults to come. A double adds its state.

    Attributes:
        authorization: what the last request showed to be let in.
    """

    def __init__(self) -> None:
        self.authorization = ""
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def act(self, method: str, path: str, query: str, body: bytes) -> str:
        """Do what a request asks; returns the JSON of the answer, or raises ApiError."""
        raise NotImplementedError

    def error(self, error: ApiError) -> str:
        """The JSON in which the service tells an error."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def sent(self, method: str, path: str = "") -> list[str]:
        """The requests of a method whose path contains `path`."""
        return [each for each in self.requests if each.startswith(method) and path in each]

    def fault_for(self, request: str) -> Fault:
        """The fault that a request runs into; it is used up."""
        for fault in self.faults:
            if fault.times and re.search(fault.request, request):
                fault.times -= 1
                return fault
        return Fault("")


def handler_of(service: Service) -> type[BaseHTTPRequestHandler]:
    """The request handler of one service."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are sent apart: the body would wait 40 ms until the head is confirmed.
        disable_nagle_algorithm = True

        def respond(self) -> None:
            path, _, query = self.path.partition("?")
            path = unquote(path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = f"{self.command} {path}"
            with service.lock:
                service.requests.append(request)
                service.authorization = self.headers.get("Authorization", "")
                fault = service.fault_for(request)
                if fault.drop == "before":
                    self.close_connection = True
                    return
                status, answer = self.outcome(path, query, body, fault)
            if fault.drop == "after":
                self.close_connection = True
                return
            time.sleep(fault.delay)
            self.send(status, answer)

        def outcome(self, path: str, query: str, body: bytes, fault: Fault) -> tuple[int, str]:
            try:
                if fault.status:
                    raise ApiError(fault.status, "The double was told to fail.")
                return 200, service.act(self.command, path, query, body)
            except ApiError as error:
                return int(error.code), service.error(error)

        def send(self, status: int, answer: str) -> None:
            data = answer.encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                # The client lost patience, as the test meant it to.
                self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = respond

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test output quiet."""

    return Handler
