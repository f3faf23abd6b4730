"""A service under test: its double, read and told in words that both services share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pipelines.config.schema import Schedule
from pipelines.services.base import Backend, Scheduled
from pipelines.services.submission import Submission
from tests.support.service import Service


class Kit(Protocol):
    """One service under test.

    Attributes:
        create, look, again, cancel: regular expressions over the requests that create a run, look
            for it before and after that, and cancel it.
        replacing: the same over those that replace a schedule by another.
        refusals: over what `submit` may say of a run that could not be created; it has a {run}.
        stopping: state of a run that was just told to stop.
        missing: over the end of what is said of a run that there is not.
        where: over what is said when there is not one schedule.
        failed: over the end of what is said of a run whose phase-2/train failed.
        console: over the address of a run's page.
        log: over what shows the log of phase-1/train.
        uploaded: what a watcher is told of the end of phase-1/upload.
    """

    name: str
    double: Any
    create: str
    look: str
    again: str
    cancel: str
    replacing: tuple[str, ...]
    refusals: str
    stopping: str
    missing: str
    where: str
    failed: str
    console: str
    log: str
    uploaded: str

    def runs(self) -> list[str]:
        """The ids of the runs that there are."""
        ...

    def clock(self) -> Any:
        """What holds `busy`, which stops the clock, and `failing`, the tasks to fail."""
        ...

    def finish(self) -> None:
        """End every run, as `failing` says."""
        ...

    def schedules(self) -> list[tuple[str, bool]]:
        """Cron and whether it is active, of each schedule that there is."""
        ...

    def parameters(self) -> list[dict[str, Any]]:
        """Those of each schedule that there is."""
        ...

    def tick(self) -> None:
        """The time of every schedule has come."""
        ...

    def schedule(
        self, runs: Backend, schedule: Schedule, prepare: Callable[[], Submission]
    ) -> Scheduled:
        """The schedule of the config demo."""
        ...


class OnVertex:
    """Vertex AI."""

    name = "vertex"
    create, cancel = "^POST .*/pipelineJobs$", ":cancel$"
    look, again = "^GET .*/pipelineJobs$", "^GET .*/pipelineJobs/"
    replacing = (r"^POST .*/schedules$", "^DELETE ", r"^GET .*/schedules/2$")
    refusals = "^submit {run}: "
    stopping = "cancelled"
    missing = "projects/my-project"
    where = "has 0 schedules called"
    failed = "phase-2/train: The replica exited with"
    console = "^https://console.cloud.google.com/vertex-ai/"
    log = "phase-1/train"
    uploaded = "phase-1 · upload  done in "

    def __init__(self, double: Service) -> None:
        self.double: Any = double

    def runs(self) -> list[str]:
        return [name.rpartition("/")[2] for name in self.double.jobs.by_name]

    def clock(self) -> Any:
        return self.double.jobs

    def finish(self) -> None:
        for job in self.double.jobs.by_name.values():
            self.double.jobs.finish(job)

    def schedules(self) -> list[tuple[str, bool]]:
        made = self.double.schedules.by_name.values()
        return [(each.cron, each.state.name == "ACTIVE") for each in made]

    def parameters(self) -> list[dict[str, Any]]:
        return [
            dict(each.create_pipeline_job_request.pipeline_job.runtime_config.parameter_values)
            for each in self.double.schedules.by_name.values()
        ]

    def tick(self) -> None:
        self.double.schedules.tick()

    def schedule(
        self, runs: Any, schedule: Schedule, prepare: Callable[[], Submission]
    ) -> Scheduled:
        from pipelines.services.vertex.schedule import VertexSchedule

        return VertexSchedule(runs, schedule, "demo", prepare)


class OnKubeflow:
    """Kubeflow Pipelines."""

    name = "kubeflow"
    create, cancel = "^POST .*/runs$", ":terminate$"
    look = again = "^GET .*/runs$"
    replacing = (r"^POST .*/recurringruns$", "^DELETE ", ":enable$")
    refusals = "^(submit {run}|list the runs): "
    stopping = "cancelling"
    missing = "the experiment demo of http"
    where = "has 0 recurring runs called"
    failed = "http"
    console = "/#/runs/details/0000"
    log = "kubectl logs --namespace kubeflow --selector pipeline/runid=0000"
    uploaded = "phase-1 · upload  done in 100 s"

    def __init__(self, double: Service) -> None:
        self.double: Any = double

    def runs(self) -> list[str]:
        return [run["display_name"] for run in self.double.runs.by_id.values()]

    def clock(self) -> Any:
        return self.double.runs

    def finish(self) -> None:
        for run in self.double.runs.by_id.values():
            self.double.runs.finish(run)

    def schedules(self) -> list[tuple[str, bool]]:
        made = self.double.recurring.by_id.values()
        return [
            (each["trigger"]["cron_schedule"]["cron"], each["status"] == "ENABLED") for each in made
        ]

    def parameters(self) -> list[dict[str, Any]]:
        made = self.double.recurring.by_id.values()
        return [each["runtime_config"]["parameters"] for each in made]

    def tick(self) -> None:
        self.double.recurring.tick()

    def schedule(
        self, runs: Any, schedule: Schedule, prepare: Callable[[], Submission]
    ) -> Scheduled:
        from pipelines.services.kubeflow.schedule import KubeflowSchedule

        return KubeflowSchedule(runs, schedule, "demo", prepare)


KITS: dict[str, Callable[[Service], Kit]] = {"vertex": OnVertex, "kubeflow": OnKubeflow}
