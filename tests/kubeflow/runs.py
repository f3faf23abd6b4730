"""Runs: created, run step by step as they are looked at, terminated, deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import kfp_server_api as api

from tests.kubeflow.experiments import Experiments
from tests.kubeflow.nodes import task_details
from tests.kubeflow.rules import (
    NEVER,
    check_package,
    matching,
    page_of,
    parsed,
    query_of,
    require,
)
from tests.support.service import ApiError

OVER = {"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"}
OUTPUT_ONLY = {"run_id", "state", "created_at", "finished_at", "error", "run_details"}


class Runs:
    """The runs of one cluster.

    A run goes one step further each time it is read by its id: pending, running, done. `failing`
    names tasks (`phase-1/train`) that fail, and the run with them. `busy` stops the clock.
    """

    def __init__(self, experiments: Experiments) -> None:
        self.experiments = experiments
        self.by_id: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.failing: set[str] = set()
        self.busy = False

    def create(self, query: str, body: bytes) -> Any:
        query_of(query, {"experiment_id"})
        return self.start(parsed(body, api.V2beta1Run, OUTPUT_ONLY))

    def start(self, given: dict[str, Any]) -> dict[str, Any]:
        """Check a run as the service would, and begin it; a name may be there already."""
        require(given.get("display_name"), "Run's name cannot be empty.")
        self.experiments.check(given.get("experiment_id", ""))
        check_package(given.get("pipeline_spec", {}), given["runtime_config"]["parameters"])
        self.made += 1
        run = {
            **given,
            "run_id": f"00000000-0000-0000-0000-{self.made:012}",
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "finished_at": NEVER,
            "state": "PENDING",
        }
        self.by_id[run["run_id"]] = run
        return run

    def get(self, run_id: str, query: str, _body: bytes) -> Any:
        query_of(query, {"experiment_id"})
        run = self._at(run_id)
        if not self.busy:
            self._step(run)
        return {**run, "run_details": {"task_details": self.details(run)}}

    def list(self, query: str, _body: bytes) -> Any:
        known = {"page_token", "page_size", "sort_by", "filter", "experiment_id", "namespace"}
        asked = query_of(query, known)
        require(asked.get("sort_by", "") in ("", "created_at desc"), "sort_by is not supported.")
        newest_first = [*reversed(self.by_id.values())]
        matches = [
            run
            for run in matching(asked.get("filter", ""), newest_first)
            if run["experiment_id"] == asked.get("experiment_id")
        ]
        return page_of(matches, "runs", asked)

    def terminate(self, run_id: str, query: str, _body: bytes) -> Any:
        query_of(query, {"experiment_id"})
        run = self._at(run_id)
        require(run["state"] not in OVER, f"Failed to terminate run {run_id}: it is over.")
        run["state"] = "CANCELING"
        return {}

    def delete(self, run_id: str, query: str, _body: bytes) -> Any:
        query_of(query, {"experiment_id"})
        self._at(run_id)
        del self.by_id[run_id]
        return {}

    def details(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The nodes of a run's workflow, of which there are none before it runs."""
        if run["state"] == "PENDING":
            return []
        package = run["pipeline_spec"]
        states = {"": run["state"]}
        if run["state"] in OVER:
            states = {"": "SUCCEEDED", **dict.fromkeys(self.failing, "FAILED")}
        spec = package.get("pipeline_spec", package)
        return task_details(run["run_id"], f"demo-{run['run_id'][-3:]}", spec, states)

    def finish(self, run: dict[str, Any]) -> None:
        """End a run as `failing` says."""
        while run["state"] not in OVER:
            self._step(run)

    def _step(self, run: dict[str, Any]) -> None:
        after = {"PENDING": "RUNNING", "CANCELING": "CANCELED"}
        if run["state"] == "RUNNING":
            run["state"] = "FAILED" if self.failing else "SUCCEEDED"
        run["state"] = after.get(run["state"], run["state"])
        if run["state"] in OVER and run["finished_at"] == NEVER:
            run["finished_at"] = datetime.now(UTC).isoformat(timespec="seconds")

    def _at(self, run_id: str) -> dict[str, Any]:
        if run_id not in self.by_id:
            raise ApiError(404, f"Run {run_id} not found.")
        return self.by_id[run_id]
