"""A server on 127.0.0.1 that stands in for Vertex AI."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format

from tests.support.service import ApiError, Service
from tests.vertex.batches import Batches
from tests.vertex.discovery import deviations
from tests.vertex.endpoints import Endpoints
from tests.vertex.jobs import Jobs
from tests.vertex.models import Models
from tests.vertex.operations import Operations
from tests.vertex.project import Project
from tests.vertex.rules import STATUS
from tests.vertex.schedules import Schedules

MANAGER = r"/cloudresourcemanager\.googleapis\.com/v1/projects"
BUCKETS = r"/storage\.googleapis\.com/storage/v1/b"
PROJECT, NUMBER = "my-project", "123456789012"
LOCATION = r"projects/[^/]+/locations/[^/]+"


class Double(Service):
    """Vertex AI, and what `retrain` asks of other services of Google Cloud.

    Attributes:
        deviations: where a request or an answer was not as Google describes the API.
    """

    def __init__(self) -> None:
        self.deviations: list[str] = []
        self.jobs = Jobs()
        self.project = Project()
        self.operations = Operations()
        self.models = Models(self.operations)
        self.endpoints = Endpoints(self.operations, self.models)
        self.batches = Batches(self.models)
        self.schedules = Schedules(self.jobs, self.operations)
        super().__init__()

    def error(self, error: ApiError) -> str:
        """As Google's services write it."""
        status = STATUS[error.code]
        answer = {"code": int(error.code), "message": error.message, "status": status}
        return json.dumps({"error": answer})

    def act(self, method: str, path: str, query: str, body: bytes) -> str:
        """Act, and note where the request or the answer differs from Google's description."""
        if wrong := deviations(method, path, query, body):
            self.deviations += wrong
            raise ApiError(400, f"Invalid JSON payload received. {wrong}")
        answer = self.answer(method, by_number(path), query, by_number(body.decode()).encode())
        self.deviations += deviations(method, path, query, b"", answer)
        return answer

    def answer(self, method: str, path: str, query: str, body: bytes) -> str:
        """The answer of the method that a request names."""
        for verb, pattern, action in self.routes():
            match = re.fullmatch(pattern if pattern[0] == "/" else f"/v1/{pattern}", path)
            if verb == method and match:
                answer = action(*match.groups(), query, body)
                return "{}" if answer is None else as_json(answer)
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
            ("POST", rf"({LOCATION})/batchPredictionJobs", self.batches.create),
            ("GET", rf"({LOCATION})/batchPredictionJobs", self.batches.list),
            ("GET", rf"({LOCATION}/batchPredictionJobs/[^/:]+)", self.batches.get),
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
                r"/europe-docker\.pkg\.dev/v2/(.+)/blobs/([^/]+)",
                self.project.blob,
            ),
            (
                "GET",
                r"/serviceusage\.googleapis\.com/v1beta1/projects/[^/]+/services/[^/]+"
                r"/consumerQuotaMetrics/(.+)",
                self.project.quota,
            ),
            (
                "GET",
                r"/serviceusage\.googleapis\.com/v1/projects/([^/]+)/services:batchGet",
                self.project.services,
            ),
            ("POST", rf"{MANAGER}/([^/:]+):testIamPermissions", self.project.may_in_project),
            ("POST", rf"{MANAGER}/([^/:]+):getIamPolicy", self.project.project_policy),
            ("GET", rf"{BUCKETS}/([^/]+)/iam/testPermissions", self.project.may_in_bucket),
            ("GET", rf"{BUCKETS}/([^/]+)/iam", self.project.bucket_policy),
            (
                "GET",
                rf"({LOCATION}/(?:models|endpoints|schedules)/[^/:]+/operations/\d+)",
                self.operations.get,
            ),
        ]


def by_number(text: str) -> str:
    """A project by its number, as the service itself names it whatever it is asked for."""
    return text.replace(f"projects/{PROJECT}/locations", f"projects/{NUMBER}/locations")


def as_json(message: Any) -> str:
    """A message as the service sends it."""
    if isinstance(message, dict):
        return json.dumps(message)
    plain = type(message).pb(message) if hasattr(type(message), "pb") else message
    return json_format.MessageToJson(plain)
