"""Schedules on Kubeflow Pipelines: recurring runs.

A recurring run can't be changed, only paused, and holds neither labels nor a time zone: its
description says what it was made from, and the cluster reads every cron in one time zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import kfp_server_api as api
import yaml

from components.errors import RemoteError
from pipelines.services.base import REPLACES_LABEL, TEMPLATE_LABEL, Scheduled
from pipelines.services.kubeflow.client import reaching, retry
from pipelines.services.kubeflow.runs import (
    KubeflowRuns,
    labels_of,
    packaged,
    predicate,
)
from pipelines.services.schedule import Existing, Step


class KubeflowSchedule(Scheduled):
    """The schedule of one config on Kubeflow Pipelines."""

    runs: KubeflowRuns
    service_word = "recurring runs"

    @property
    def service(self) -> Any:
        """The client's methods for recurring runs."""
        return self.runs.connection.client.recurring_runs

    @property
    def cron(self) -> str:
        return f"0 {self.schedule.cron}"  # seconds come first

    @property
    def settings(self) -> list[str]:
        settings = self.runs.settings
        return [settings.claim, settings.pipeline_root, settings.service_account]

    def existing(self) -> list[Existing]:
        with reaching("list the recurring runs"):
            return self._existing()

    def apply(self, steps: Sequence[Step]) -> None:
        replaced: set[str] = set()
        for step in steps:
            # What takes the place of another is as declared: nothing is left to do to the other.
            if step.target not in replaced:
                getattr(self, f"_{step.kind}")(step.target)
            if step.kind in ("replace", "update"):
                replaced.add(step.target)

    def _existing(self) -> list[Existing]:
        experiment = self.runs.experiment_id()
        if not experiment:
            return []
        schedules = self.runs.connection.pages(
            self.service.recurring_run_service_list_recurring_runs,
            "recurring_runs",
            experiment_id=experiment,
            filter=predicate("EQUALS", self.name),
        )
        return [existing_of(each) for each in schedules]

    def _create(self, replaces: str) -> str:
        """Make the declared recurring run, paused while it replaces another; returns its id."""
        self.runs.check()
        with reaching(f"create the recurring run {self.name}"):
            message = self._message(self.runs.made_experiment(), replaces)

            # A creation whose answer was lost has made one all the same: look before each try.
            @retry()
            def create_once() -> str:
                for existing in self._existing():
                    if existing.id != replaces and self._is_declared(existing):
                        return existing.id
                create = self.service.recurring_run_service_create_recurring_run
                return str(
                    self.runs.connection.once(create, recurring_run=message).recurring_run_id
                )

            return create_once()

    def _replace(self, old: str) -> None:
        """Make the new one, paused, look whether it is in order, remove the old, and start it."""
        new = self._create(old)
        existing = next((each for each in self.existing() if each.id == new), None)
        if existing is None or not self._is_declared(existing):
            raise RemoteError(
                f"the new recurring run {new} is not what was asked for; {old} stays."
            )
        self._delete(old)
        self._resume(new)

    # What Vertex AI would change in place.
    _update = _replace

    def _is_declared(self, existing: Existing) -> bool:
        return (existing.cron, existing.template) == (self.declared.cron, self.declared.template)

    def _pause(self, target: str) -> None:
        disable = self.service.recurring_run_service_disable_recurring_run
        with reaching(f"pause the recurring run {target}"):
            self.runs.connection.ask(disable, recurring_run_id=target)

    def _resume(self, target: str) -> None:
        enable = self.service.recurring_run_service_enable_recurring_run
        with reaching(f"resume the recurring run {target}"):
            self.runs.connection.ask(enable, recurring_run_id=target)

    def _delete(self, target: str) -> None:
        delete = self.service.recurring_run_service_delete_recurring_run
        with reaching(f"delete the recurring run {target}"):
            try:
                self.runs.connection.ask(delete, recurring_run_id=target)
            except api.ApiException as error:
                if error.status != 404:  # Gone already: the answer to an earlier try was lost.
                    raise

    def _message(self, experiment: str, replaces: str) -> Any:
        """The declared recurring run as the API takes it."""
        submission = self.submission
        modes = api.RecurringRunMode
        return api.V2beta1RecurringRun(
            display_name=self.name,
            description=yaml.safe_dump(self._labels(replaces)),
            experiment_id=experiment,
            pipeline_spec=packaged(submission.spec, self.runs.settings.claim),
            runtime_config=self.runs.runtime_config(submission.parameters),
            service_account=self.runs.settings.service_account or None,
            trigger=api.V2beta1Trigger(
                cron_schedule=api.V2beta1CronSchedule(cron=self.declared.cron)
            ),
            max_concurrency="1",
            # What was missed during a pause is not made up for.
            no_catchup=True,
            mode=modes.DISABLE if replaces else modes.ENABLE,
        )


def existing_of(recurring: Any) -> Existing:
    """A recurring run as the API gives it; when it is due next stands nowhere."""
    labels = labels_of(recurring.description)
    trigger = recurring.trigger and recurring.trigger.cron_schedule
    return Existing(
        id=recurring.recurring_run_id,
        cron=(trigger and trigger.cron) or "",
        paused=recurring.status != "ENABLED",
        template=labels.get(TEMPLATE_LABEL, ""),
        replaces=labels.get(REPLACES_LABEL, ""),
        limits=int(recurring.max_concurrency or 0) == 1 and bool(recurring.no_catchup),
        next_run=None,
    )
