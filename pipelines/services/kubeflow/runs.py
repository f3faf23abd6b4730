"""Runs on a Kubeflow Pipelines of one's own: submit, watch, list, cancel.

The cluster gives every run an id of its own and takes no labels, so a run goes by its display name,
which is the deterministic id, and its description holds the labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import kfp_server_api as api
import yaml

from components.errors import ConfigError
from pipelines.config.load import Loaded
from pipelines.config.schema import Kubeflow
from pipelines.dag.spec import parsed
from pipelines.services.base import OVER, Run, Task
from pipelines.services.kubeflow.client import Connection, reaching, retry
from pipelines.services.kubeflow.tasks import moment, tasks_of
from pipelines.services.kubeflow.volume import platform_spec
from pipelines.services.submission import Submission

STATES = {"canceled": "cancelled", "canceling": "cancelling", "skipped": "succeeded"}


class KubeflowRuns:
    """Implements `pipelines.services.base.Backend` for one experiment.

    Args:
        experiment: its name; made by the first run.
    """

    def __init__(self, settings: Kubeflow, experiment: str) -> None:
        self.settings = settings
        self.experiment = experiment
        self.connection = Connection(settings)

    @property
    def where(self) -> str:
        return f"the experiment {self.experiment} of {self.settings.host}"

    def check(self) -> None:
        """Refuse a namespace where the cluster has none, and its lack where it needs one.

        Raises:
            ConfigError: the config and the cluster differ.
        """
        with reaching(f"read {self.settings.host}"):
            health = self.connection.ask(
                self.connection.client.healthzs.healthz_service_get_healthz
            )
        if health.multi_user and not self.settings.namespace:
            raise ConfigError(
                f"kubeflow.namespace: {self.settings.host} has many users: name the namespace of "
                "the runs."
            )
        if self.settings.namespace and not health.multi_user:
            raise ConfigError(
                f"kubeflow.namespace: {self.settings.host} is for a single user and knows no "
                "namespaces: leave it out."
            )

    def submit(self, submission: Submission, *, force: bool = False) -> tuple[Run, bool]:
        self.check()
        attempts = self.attempts(submission)
        if attempts and not force:
            return attempts[0], False
        last = max((int(run.id.rpartition("-")[2]) for run in attempts), default=0)
        job_id = submission.job_id(last + 1)
        with reaching(f"submit {job_id}"):
            experiment = self.made_experiment()
            created, new = self._create_once(self._message(submission, job_id, experiment))
        return self.run_of(created), new

    def attempts(self, submission: Submission) -> list[Run]:
        prefix = submission.job_id(1).rpartition("-")[0]
        with reaching("list the runs"):
            runs = self._list(predicate("IS_SUBSTRING", f"{prefix}-"))
            return [self.run_of(run) for run in runs if run.display_name.startswith(prefix)]

    def history(self, config: str) -> list[Run]:  # noqa: ARG002 (the experiment is the config's)
        with reaching("list the runs"):
            # The list has no tasks; made of it, they would all look as if they had not run.
            return [replace(self.run_of(run), tasks=()) for run in self._list()]

    def get(self, run: str) -> Run:
        return self.run_of(self._find(run))

    def cancel(self, run: str) -> Run:
        current = self._find(run)
        if self.run_of(current).state not in (*OVER, "cancelling"):
            terminate = self.connection.client.runs.run_service_terminate_run
            with reaching(f"cancel {run}"):
                try:
                    self.connection.ask(terminate, run_id=current.run_id)
                except api.ApiException:
                    # No matter where it has stopped already, as after a lost answer.
                    if self.get(run).state not in (*OVER, "cancelling"):
                        raise
        return self.get(run)

    def log_command(self, task: Task) -> str:
        # The API has no logs; the pods of a run carry its id.
        space = self.settings.namespace or "kubeflow"
        selector = f"--selector pipeline/runid={task.job} --all-containers --prefix --tail=-1"
        return f"kubectl logs --namespace {space} {selector}" if task.job else ""

    def experiment_id(self) -> str:
        """The id of the experiment; '' when there is none yet."""
        experiments = self.connection.pages(
            self.connection.client.experiments.experiment_service_list_experiments,
            "experiments",
            filter=predicate("EQUALS", self.experiment),
            **self._space(),
        )
        return next((each.experiment_id for each in experiments), "")

    def run_of(self, run: Any) -> Run:
        """A run as the API gives it, as a Run."""
        state = str(run.state or "pending").lower()
        return Run(
            id=run.display_name,
            state=STATES.get(state, state),
            created=run.created_at,
            started=run.created_at,
            ended=moment(run.finished_at),
            labels=labels_of(run.description),
            error=(run.error and run.error.message) or "",
            url=f"{self.settings.host.rstrip('/')}/#/runs/details/{run.run_id}",
            tasks=tuple(tasks_of(run)),
        )

    def _message(self, submission: Submission, job_id: str, experiment: str) -> Any:
        return api.V2beta1Run(
            display_name=job_id,
            description=yaml.safe_dump(submission.labels),
            experiment_id=experiment,
            pipeline_spec=packaged(submission.spec, self.settings.claim),
            runtime_config=self.runtime_config(submission.parameters),
            service_account=self.settings.service_account or None,
        )

    def runtime_config(self, parameters: Mapping[str, Any]) -> Any:
        """Where outputs go, and what the pipeline is run with."""
        return api.V2beta1RuntimeConfig(
            parameters=dict(parameters), pipeline_root=self.settings.pipeline_root or None
        )

    def _create_once(self, message: Any) -> tuple[Any, bool]:
        """Make a run unless there is one of its name, and say whether it is new."""
        runs = self.connection.client.runs

        # The cluster takes the same name twice: look before each try, and again afterwards.
        @retry()
        def create_once() -> tuple[Any, bool]:
            if existing := self._named(message.display_name):
                return existing[0], False
            return self.connection.once(runs.run_service_create_run, run=message), True

        made, new = create_once()
        first = self._named(message.display_name)[0]
        if new and first.run_id != made.run_id:
            # Two submits at the same moment: both see both, and the older stays.
            self.connection.ask(runs.run_service_delete_run, run_id=made.run_id)
            return first, False
        return made, new

    def made_experiment(self) -> str:
        """The id of the experiment, which is made unless it is there."""
        if existing := self.experiment_id():
            return existing
        experiment = api.V2beta1Experiment(display_name=self.experiment, **self._space())
        create = self.connection.client.experiments.experiment_service_create_experiment
        try:
            made = self.connection.ask(create, experiment=experiment)
        except api.ApiException:
            # Somebody was quicker, or the answer to an earlier try was lost.
            if existing := self.experiment_id():
                return existing
            raise
        return str(made.experiment_id)

    def _named(self, name: str) -> list[Any]:
        """The runs of a name, oldest first."""
        runs = self._list(predicate("EQUALS", name))
        return sorted(runs, key=lambda run: (run.created_at, run.run_id))

    def _list(self, filter: str = "") -> list[Any]:
        """The runs of the experiment that match a filter, newest first."""
        experiment = self.experiment_id()
        if not experiment:
            return []
        runs = self.connection.pages(
            self.connection.client.runs.run_service_list_runs,
            "runs",
            experiment_id=experiment,
            sort_by="created_at desc",
            filter=filter,
        )
        return list(runs)

    def _find(self, run: str) -> Any:
        """A run by its name, with its tasks, which the list leaves out."""
        with reaching(f"read {run}"):
            runs = self._named(run)
            if not runs:
                raise ConfigError(
                    f"there is no run {run!r} in {self.where}. "
                    "`retrain runs list --where kubeflow` shows those that there are."
                )
            get = self.connection.client.runs.run_service_get_run
            return self.connection.ask(get, run_id=runs[-1].run_id)

    def _space(self) -> dict[str, str]:
        return {"namespace": self.settings.namespace} if self.settings.namespace else {}


def predicate(operation: str, name: str) -> str:
    """A filter on the display name, as the API reads it."""
    one = {"operation": operation, "key": "display_name", "string_value": name}
    return json.dumps({"predicates": [one]})


def labels_of(description: str | None) -> dict[str, str]:
    """The labels in the description of a run; none in one that is not ours."""
    try:
        labels = yaml.safe_load(description or "")
    except yaml.YAMLError:
        return {}
    return labels if isinstance(labels, dict) else {}


def packaged(spec: str, claim: str) -> dict[str, Any]:
    """A compiled spec, and beside it the volume that each of its tasks mounts."""
    pipeline = parsed(spec)
    return {"pipeline_spec": pipeline, "platform_spec": platform_spec(pipeline, claim)}


def kubeflow_of(loaded: Loaded) -> KubeflowRuns:
    """Where the runs of a config whose target is kubeflow are."""
    pipeline = loaded.pipeline
    if pipeline.target != "kubeflow" or pipeline.kubeflow is None:
        raise ConfigError(f"{loaded.path}: this needs target: kubeflow, and a `kubeflow` section.")
    return KubeflowRuns(pipeline.kubeflow, pipeline.kubeflow.experiment or pipeline.name)
