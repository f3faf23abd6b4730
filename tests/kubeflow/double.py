"""A server on 127.0.0.1 that stands in for Kubeflow Pipelines' v2beta1 API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.kubeflow.experiments import Experiments
from tests.kubeflow.recurring import Recurring
from tests.kubeflow.runs import Runs
from tests.support.service import ApiError, Service

# gRPC's codes, which the service gives beside HTTP's.
CODES = {400: 3, 403: 7, 404: 5, 409: 6, 429: 8, 500: 13, 503: 14}


class Double(Service):
    """Kubeflow Pipelines.

    Attributes:
        multi_user: whether every request must name a namespace, or none may.
        tag: what it says of its version.
    """

    def __init__(self) -> None:
        self.multi_user = False
        self.tag = "2.15.0"
        self.experiments = Experiments(lambda: self.multi_user)
        self.runs = Runs(self.experiments)
        self.recurring = Recurring(self.experiments, self.runs)
        super().__init__()

    def error(self, error: ApiError) -> str:
        """As the service writes it."""
        code = CODES[error.code]
        return json.dumps({"error": error.message, "code": code, "message": error.message})

    def act(self, method: str, path: str, query: str, body: bytes) -> str:
        for verb, pattern, action in self.routes():
            match = re.fullmatch(f"/apis/v2beta1/{pattern}", path)
            if verb == method and match:
                return json.dumps(action(*match.groups(), query, body))
        raise ApiError(404, f"{method} {path} is no method of this double.")

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Method, path below the API's, and what it does with the path's groups, query, body."""
        run, recurring = "runs/([^/:]+)", "recurringruns/([^/:]+)"
        return [
            (
                "GET",
                "healthz",
                lambda _query, _body: {"multi_user": self.multi_user, "tag_name": self.tag},
            ),
            ("POST", "experiments", self.experiments.create),
            ("GET", "experiments", self.experiments.list),
            ("POST", "runs", self.runs.create),
            ("GET", "runs", self.runs.list),
            ("GET", run, self.runs.get),
            ("DELETE", run, self.runs.delete),
            ("POST", f"{run}:terminate", self.runs.terminate),
            ("POST", "recurringruns", self.recurring.create),
            ("GET", "recurringruns", self.recurring.list),
            ("GET", recurring, self.recurring.get),
            ("DELETE", recurring, self.recurring.delete),
            ("POST", f"{recurring}:enable", self.recurring.enable),
            ("POST", f"{recurring}:disable", self.recurring.disable),
        ]
