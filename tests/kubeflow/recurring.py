"""Recurring runs: checked as the reference says, and made to start runs by `tick`."""

from __future__ import annotations

from typing import Any

import kfp_server_api as api

from tests.kubeflow.experiments import Experiments
from tests.kubeflow.rules import (
    check_cron,
    check_package,
    matching,
    page_of,
    parsed,
    query_of,
    require,
)
from tests.kubeflow.runs import OVER, Runs
from tests.support.service import ApiError


class Recurring:
    """The recurring runs of one cluster."""

    def __init__(self, experiments: Experiments, runs: Runs) -> None:
        self.experiments = experiments
        self.runs = runs
        self.by_id: dict[str, dict[str, Any]] = {}
        self.made = 0

    def create(self, query: str, body: bytes) -> Any:
        query_of(query, set())
        given = parsed(body, api.V2beta1RecurringRun, {"recurring_run_id", "status", "created_at"})
        require(given.get("display_name"), "Recurring run's name cannot be empty.")
        require(0 < int(given.get("max_concurrency", "0")) <= 10, "max_concurrency: 1 to 10.")
        require(given.get("mode") in ("ENABLE", "DISABLE"), "mode is required.")
        check_cron(given["trigger"]["cron_schedule"]["cron"])
        self.experiments.check(given.get("experiment_id", ""))
        check_package(given.get("pipeline_spec", {}), given["runtime_config"]["parameters"])
        self.made += 1
        status = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[given["mode"]]
        made = {**given, "recurring_run_id": str(self.made), "status": status}
        self.by_id[made["recurring_run_id"]] = made
        return made

    def list(self, query: str, _body: bytes) -> Any:
        known = {"page_token", "page_size", "sort_by", "filter", "experiment_id", "namespace"}
        asked = query_of(query, known)
        matches = [
            each
            for each in matching(asked.get("filter", ""), [*self.by_id.values()])
            if each["experiment_id"] == asked.get("experiment_id")
        ]
        return page_of(matches, "recurringRuns", asked)

    def get(self, recurring: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        return self._at(recurring)

    def delete(self, recurring: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        self._at(recurring)
        del self.by_id[recurring]
        return {}

    def enable(self, recurring: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        self._at(recurring)["status"] = "ENABLED"
        return {}

    def disable(self, recurring: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        self._at(recurring)["status"] = "DISABLED"
        return {}

    def tick(self) -> None:
        """The time has come: each that is enabled starts a run, unless too many of its go on."""
        for each in self.by_id.values():
            active = [
                run
                for run in self.runs.by_id.values()
                if run.get("recurring_run_id") == each["recurring_run_id"]
                and run["state"] not in OVER
            ]
            if each["status"] == "ENABLED" and len(active) < int(each["max_concurrency"]):
                kept = ("experiment_id", "pipeline_spec", "runtime_config", "service_account")
                given = {key: each[key] for key in kept if key in each}
                name = f"{each['display_name']}-{self.runs.made + 1}"
                run = self.runs.start({**given, "display_name": name})
                run["recurring_run_id"] = each["recurring_run_id"]

    def _at(self, recurring: str) -> dict[str, Any]:
        if recurring not in self.by_id:
            raise ApiError(404, f"Recurring run {recurring} not found.")
        return self.by_id[recurring]
