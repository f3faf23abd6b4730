"""Experiments: the folders of runs, one name each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kfp_server_api as api

from tests.kubeflow.rules import matching, page_of, parsed, query_of, require
from tests.support.service import ApiError


class Experiments:
    """The experiments of one cluster.

    Args:
        multi_user: whether the cluster has namespaces.
    """

    def __init__(self, multi_user: Callable[[], bool]) -> None:
        self.multi_user = multi_user
        self.by_id: dict[str, dict[str, Any]] = {}

    def create(self, query: str, body: bytes) -> Any:
        query_of(query, set())
        given = parsed(body, api.V2beta1Experiment, {"experiment_id", "created_at"})
        require(given.get("display_name"), "Experiment's name cannot be empty.")
        self.check_namespace(given.get("namespace", ""))
        for there in self.by_id.values():
            if there["display_name"] == given["display_name"]:
                raise ApiError(409, f"Experiment {given['display_name']} already exists.")
        made = {**given, "experiment_id": f"experiment-{len(self.by_id) + 1}"}
        self.by_id[made["experiment_id"]] = made
        return made

    def list(self, query: str, _body: bytes) -> Any:
        asked = query_of(query, {"page_token", "page_size", "sort_by", "filter", "namespace"})
        self.check_namespace(asked.get("namespace", ""))
        matches = [*matching(asked.get("filter", ""), [*self.by_id.values()])]
        return page_of(matches, "experiments", asked)

    def check_namespace(self, namespace: str) -> None:
        """A namespace where there are some, none where there are none."""
        if self.multi_user():
            require(namespace, "Namespace is empty in multi-user mode.")
        require(self.multi_user() or not namespace, "No namespace in single-user mode.")

    def check(self, experiment: str) -> None:
        """Refuse an experiment that there is not."""
        if experiment not in self.by_id:
            raise ApiError(404, f"Experiment {experiment!r} not found.")
