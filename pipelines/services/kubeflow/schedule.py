"""Schedules on Kubeflow Pipelines: recurring runs.

A recurring run can't be changed, only paused, and holds neither labels nor a time zone: its
description says what it was made from, and the cluster reads every cron in one time zone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import kfp_server_api as api
import yaml

from components.errors import ConfigError, RemoteError
from pipelines.config.load import Loaded
from pipelines.config.schema import Schedule
from pipelines.services.kubeflow.client import reaching, retry
from pipelines.services.kubeflow.runs import (
    KubeflowRuns,
    kubeflow_of,
    labels_of,
    packaged,
    predicate,
)
from pipelines.services.schedule import Declared, Existing, Step
from pipelines.services.submission import (
    COMMIT_LABEL,
    CONFIG_LABEL,
    LABEL_DIGITS,
    Submission,
    scheduled,
)

TEMPLATE_LABEL = "retrain-template"
REPLACES_LABEL = "retrain-replaces"


class KubeflowSchedule:
    """Implements `pipelines.services.base.Scheduled` for one config.

    Args:
        prepare: compiles what each run does; asked only when that matters.
    """

    def __init__(
        self, runs: KubeflowRuns, schedule: Schedule, name: str, prepare: Callable[[], Submission]
    ) -> None:
        self.runs = runs
        self.connection = runs.connection
        self.schedule = schedule
        self.name = f"retrain-{name}"
        self.prepare = prepare

    @property
    def where(self) -> str:
        return self.runs.where

    @property
    def service(self) -> Any:
        """The client's methods for recurring runs."""
        return self.connection.client.recurring_runs

    @cached_property
    def submission(self) -> Submission:
        """What each run does."""
        return self.prepare()

    @property
    def declared(self) -> Declared:
        return Declared(
            name=self.name,
            # Seconds come first.
            cron=f"0 {self.schedule.cron}",
            enabled=self.schedule.enabled,
            template=self._template(),
        )

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

    def pause(self) -> None:
        self._pause(self._only())

    def resume(self) -> None:
        self._resume(self._only())

    def delete(self) -> bool:
        existing = self.existing()
        for each in existing:
            self._delete(each.id)
        return bool(existing)

    def _existing(self) -> list[Existing]:
        experiment = self.runs.experiment_id()
        if not experiment:
            return []
        schedules = self.connection.pages(
            self.service.recurring_run_service_list_recurring_runs,
            "recurring_runs",
            experiment_id=experiment,
            filter=predicate("EQUALS", self.name),
        )
        return [existing_of(each) for each in schedules]

    def _only(self) -> str:
        existing = self.existing()
        if len(existing) != 1:
            raise ConfigError(
                f"{self.where} has {len(existing)} recurring runs called {self.name!r}, not one: "
                "`retrain schedule plan` shows what to do."
            )
        return existing[0].id

    def _template(self) -> str:
        settings = self.runs.settings
        parts = [
            self.submission.template,
            settings.claim,
            settings.pipeline_root,
            settings.service_account,
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:LABEL_DIGITS]

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
                return str(self.connection.once(create, recurring_run=message).recurring_run_id)

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
            self.connection.ask(disable, recurring_run_id=target)

    def _resume(self, target: str) -> None:
        enable = self.service.recurring_run_service_enable_recurring_run
        with reaching(f"resume the recurring run {target}"):
            self.connection.ask(enable, recurring_run_id=target)

    def _delete(self, target: str) -> None:
        delete = self.service.recurring_run_service_delete_recurring_run
        with reaching(f"delete the recurring run {target}"):
            try:
                self.connection.ask(delete, recurring_run_id=target)
            except api.ApiException as error:
                if error.status != 404:  # Gone already: the answer to an earlier try was lost.
                    raise

    def _message(self, experiment: str, replaces: str) -> Any:
        """The declared recurring run as the API takes it."""
        submission = self.submission
        labels = {
            CONFIG_LABEL: submission.name,
            COMMIT_LABEL: submission.commit,
            TEMPLATE_LABEL: self.declared.template,
            REPLACES_LABEL: replaces,
        }
        modes = api.RecurringRunMode
        return api.V2beta1RecurringRun(
            display_name=self.name,
            description=yaml.safe_dump({key: value for key, value in labels.items() if value}),
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


def schedule_of(loaded: Loaded) -> KubeflowSchedule:
    """The schedule that a config declares.

    Raises:
        ConfigError: it declares none, or one in another time zone than the cluster's.
    """
    runs, schedule = kubeflow_of(loaded), loaded.pipeline.schedule
    if schedule is None:
        raise ConfigError(
            f"{loaded.path}: add a `schedule` section, e.g. schedule: {{cron: '0 3 * * 1'}}"
        )
    if schedule.timezone != runs.settings.timezone:
        raise ConfigError(
            f"{loaded.path}: schedule.timezone: {schedule.timezone}, but Kubeflow Pipelines reads "
            f"every cron in the time zone of its installation, {runs.settings.timezone} as "
            "kubeflow.timezone says. Write the cron in that, and name the same in both."
        )
    return KubeflowSchedule(runs, schedule, loaded.pipeline.name, lambda: scheduled(loaded))


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
