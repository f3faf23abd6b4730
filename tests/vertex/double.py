"""A server on 127.0.0.1 that stands in for Vertex AI, and can be told to misbehave."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import unquote

from google.protobuf import json_format

from tests.vertex.endpoints import Endpoints
from tests.vertex.jobs import Jobs
from tests.vertex.models import Models
from tests.vertex.operations import Operations
from tests.vertex.project import Project
from tests.vertex.rules import ApiError
from tests.vertex.schedules import Schedules

LOCATION = r"projects/[^/]+/locations/[^/]+"


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


class Double:
    """The service: its state, the requests that came, and the faults to come."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.project = Project()
        self.operations = Operations()
        self.models = Models(self.operations)
        self.endpoints = Endpoints(self.operations, self.models)
        self.schedules = Schedules(self.jobs, self.operations)
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

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

    def act(self, method: str, path: str, query: str, body: bytes) -> Any:
        """Do what a request asks; the answer is a message, or None for an empty one."""
        for verb, pattern, action in self.routes():
            match = re.fullmatch(pattern if pattern[0] == "/" else f"/(?:v1|ui)/{pattern}", path)
            if verb == method and match:
                return action(*match.groups(), query, body)
        raise ApiError(404, f"{method} {path} is no method of this double.")

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Method, path below /v1/, and what it does with the path's groups, query and body.

        A path that begins with / is one of another service, below that service's host.
        """
        job = rf"({LOCATION}/pipelineJobs/[^/:]+)"
        model = rf"({LOCATION}/models/[^/:]+)"
        endpoint = rf"({LOCATION}/endpoints/[^/:]+)"
        schedule = rf"({LOCATION}/schedules/[^/:]+)"
        return [
            ("POST", rf"({LOCATION})/pipelineJobs", self.jobs.create),
            ("GET", rf"({LOCATION})/pipelineJobs", self.jobs.list),
            ("GET", job, self.jobs.get),
            ("POST", f"{job}:cancel", self.jobs.cancel),
            ("POST", rf"({LOCATION})/models:upload", self.models.upload),
            ("GET", rf"({LOCATION})/models", self.models.list),
            ("GET", model, self.models.get),
            ("PATCH", model, self.models.update),
            ("GET", f"{model}:listVersions", self.models.list_versions),
            ("POST", f"{model}:mergeVersionAliases", self.models.merge_aliases),
            ("POST", f"{model}/evaluations:import", self.models.import_evaluation),
            ("POST", rf"({LOCATION})/endpoints", self.endpoints.create),
            ("GET", rf"({LOCATION})/endpoints", self.endpoints.list),
            ("GET", endpoint, self.endpoints.get),
            ("PATCH", endpoint, self.endpoints.update),
            ("POST", f"{endpoint}:deployModel", self.endpoints.deploy),
            ("POST", f"{endpoint}:undeployModel", self.endpoints.undeploy),
            ("POST", f"{endpoint}:predict", self.endpoints.predict),
            ("POST", rf"({LOCATION})/schedules", self.schedules.create),
            ("GET", rf"({LOCATION})/schedules", self.schedules.list),
            ("GET", schedule, self.schedules.get),
            ("PATCH", schedule, self.schedules.update),
            ("DELETE", schedule, self.schedules.delete),
            ("POST", f"{schedule}:pause", self.schedules.pause),
            ("POST", f"{schedule}:resume", self.schedules.resume),
            (
                "POST",
                r"/iam\.googleapis\.com/v1/projects/-/serviceAccounts/([^/:]+):testIamPermissions",
                self.project.may_act_as,
            ),
            (
                "GET",
                r"/europe-docker\.pkg\.dev/v2/(.+)/manifests/([^/]+)",
                self.project.manifest,
            ),
            (
                "GET",
                r"/serviceusage\.googleapis\.com/v1beta1/projects/[^/]+/services/[^/]+"
                r"/consumerQuotaMetrics/(.+)",
                self.project.quota,
            ),
            ("GET", rf"({LOCATION}/operations/\d+)", self.operations.get),
        ]


def handler_of(double: Double) -> type[BaseHTTPRequestHandler]:
    """The request handler of one double."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            path, _, query = self.path.partition("?")
            path = unquote(path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = f"{self.command} {path}"
            with double.lock:
                double.requests.append(request)
                fault = double.fault_for(request)
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
                answer = double.act(self.command, path, query, body)
            except ApiError as error:
                return int(error.code), json.dumps(error.body())
            return 200, "{}" if answer is None else as_json(answer)

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


def as_json(message: Any) -> str:
    """A message as the service sends it."""
    if isinstance(message, dict):
        return json.dumps(message)
    plain = type(message).pb(message) if hasattr(type(message), "pb") else message
    return json_format.MessageToJson(plain)
