"""Runs on Vertex AI: submit, watch, list, cancel.

The aiplatform client's own `PipelineJob.submit` is not used to send the job: on its way it creates
a bucket that is missing, asks Resource Manager for a minute, and logs a traceback when that fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform
from google.cloud import aiplatform_v1 as v1

from components.errors import ConfigError
from components.google_cloud import Place, patient, reaching
from components.program import whole
from pipelines.config.load import Loaded
from pipelines.config.schema import Vertex
from pipelines.dag.spec import CONDITION, path_of
from pipelines.services.base import OVER, Run, Task
from pipelines.services.submission import CONFIG_LABEL, INPUT_LABEL, LABEL_DIGITS, Submission

PREFIX = "PIPELINE_STATE_"
# Begins the metadata of an execution that are its output parameters.
OUTPUT = "output:"


class VertexRuns:
    """Implements `pipelines.services.base.Backend` for one project and region."""

    def __init__(self, vertex: Vertex) -> None:
        self.settings = vertex
        self.place = Place(vertex.project, vertex.location)
        self.place.start_sdk()
        self.jobs = self.place.client(v1.PipelineServiceClient)

    @property
    def where(self) -> str:
        return self.place.name

    def check(self) -> None:
        self.check_bucket()

    def submit(self, submission: Submission, *, force: bool = False) -> tuple[Run, bool]:
        self.check()
        attempts = self.attempts(submission)
        if attempts and not force:
            return attempts[0], False
        last = max((int(run.id.rpartition("-")[2]) for run in attempts), default=0)
        job_id = submission.job_id(last + 1)
        with reaching(f"submit {job_id}"):
            try:
                created = self.jobs.create_pipeline_job(
                    parent=self.place.name,
                    pipeline_job=self.message(submission, submission.labels),
                    pipeline_job_id=job_id,
                    **patient(),
                )
            except exceptions.Conflict:
                # It is there already: an answer was lost, or somebody was quicker.
                return self._get(job_id), False
        return run_of(created, self.place.project), True

    def message(self, submission: Submission, labels: dict[str, str]) -> v1.PipelineJob:
        """A job as Vertex AI takes it, built and checked by the client; nothing is sent."""
        with TemporaryDirectory() as folder:
            template = Path(folder) / "pipeline.yaml"
            template.write_text(submission.spec, encoding="utf-8")
            job = aiplatform.PipelineJob(
                display_name=submission.name,
                template_path=str(template),
                pipeline_root=self.settings.pipeline_root,
                parameter_values=dict(submission.parameters),
                labels=labels,
                # One phase that fails must not stop the other.
                failure_policy="slow",
            )
        return v1.PipelineJob(
            display_name=submission.name,
            pipeline_spec=job.pipeline_spec,
            runtime_config=job.runtime_config,
            labels=labels,
            service_account=self.settings.service_account,
        )

    def check_bucket(self) -> None:
        """Refuse a bucket that is missing or in another region."""
        name = self.settings.pipeline_root.removeprefix("gs://").partition("/")[0]
        where = "vertex.pipeline_root"
        with reaching(f"read the bucket {name}"):
            try:
                bucket = self.place.storage.get_bucket(name, **patient())
            except exceptions.NotFound:
                raise ConfigError(
                    f"{where}: there is no bucket {name}. Correct the name, or run: gcloud storage "
                    f"buckets create gs://{name} --project={self.place.project} "
                    f"--location={self.place.location} --uniform-bucket-level-access"
                ) from None
        if bucket.location.lower() != self.place.location:
            raise ConfigError(
                f"{where}: the bucket {name} is in {bucket.location.lower()} and the pipeline runs "
                f"in {self.place.location}. Use a bucket of the same region."
            )

    def attempts(self, submission: Submission) -> list[Run]:
        return self.matching(f'labels.{INPUT_LABEL}="{submission.input[:LABEL_DIGITS]}"')

    def history(self, config: str) -> list[Run]:
        return self.matching(f'labels.{CONFIG_LABEL}="{config}"')

    def matching(self, filter: str = "") -> list[Run]:
        """The runs that match a filter in Vertex AI's language, newest first."""
        request = {"parent": self.place.name, "filter": filter, "order_by": "create_time desc"}
        with reaching("list the runs"):
            jobs = self.jobs.list_pipeline_jobs(request=request, **patient())
            return [run_of(job, self.place.project) for job in jobs]

    def get(self, run: str) -> Run:
        with reaching(f"read {run}"):
            try:
                return self._get(run)
            except exceptions.NotFound:
                raise ConfigError(
                    f"there is no run {run!r} in {self.place.name}. "
                    "`retrain runs list --where vertex` shows those that there are."
                ) from None

    def cancel(self, run: str) -> Run:
        if self.get(run).state not in OVER:
            with reaching(f"cancel {run}"):
                try:
                    self.jobs.cancel_pipeline_job(name=self._name(run), **patient())
                except exceptions.ClientError:
                    # No matter where it has stopped already, as after a lost answer.
                    if self._get(run).state not in (*OVER, "cancelling"):
                        raise
        return self.get(run)

    def log_command(self, task: Task) -> str:
        where = f"--project {self.place.project} --region {self.place.location}"
        return f"gcloud ai custom-jobs stream-logs {task.job} {where}" if task.job else ""

    def _get(self, run: str) -> Run:
        job = self.jobs.get_pipeline_job(name=self._name(run), **patient())
        return run_of(job, self.place.project)

    def _name(self, run: str) -> str:
        return f"{self.place.name}/pipelineJobs/{run}"


def runs_of(loaded: Loaded) -> VertexRuns:
    """Where the runs of a config are.

    Raises:
        ConfigError: its target is not Vertex AI.
    """
    target, vertex = loaded.pipeline.target, loaded.pipeline.vertex
    if target != "vertex" or vertex is None:
        raise ConfigError(
            f"{loaded.path}: target: {target}. This needs target: vertex and a `vertex` section "
            "(project, location, pipeline_root, service_account): docs/setup-gcp.md."
        )
    return VertexRuns(vertex)


def run_of(job: Any, project: str) -> Run:
    """A pipeline job as the API gives it, which names its project by number, as a Run."""
    *_, location, _, name = job.name.split("/")
    return Run(
        id=name,
        state=job.state.name.removeprefix(PREFIX).lower(),
        created=job.create_time,
        started=job.start_time,
        ended=job.end_time,
        labels=dict(job.labels),
        error=job.error.message,
        url="https://console.cloud.google.com/vertex-ai/locations/"
        f"{location}/pipelines/runs/{name}?project={project}",
        tasks=tuple(tasks_of(job)),
    )


def tasks_of(job: Any) -> Iterator[Task]:
    """The tasks of a job, in the order of their creation (ids are random, and may be negative).

    Vertex AI lists the pipeline itself, every sub-pipeline and every condition as tasks too; they
    are left out, and a condition also of the paths of what is in it. What is behind a condition
    that does not hold is not listed at all.
    """
    details = {task.task_id: task for task in job.job_detail.task_details}
    parents = {task.parent_task_id for task in details.values()}
    for number, task in sorted(details.items(), key=lambda item: item[1].create_time):
        names = names_down_to(task, details)
        if names[0] == job.pipeline_spec["pipelineInfo"]["name"]:
            names = names[1:]
        if number in parents or not names or CONDITION.fullmatch(names[-1]):
            continue
        yield Task(
            path=path_of(names),
            state=task.state.name.lower(),
            started=task.start_time,
            ended=task.end_time,
            error=task.error.message,
            job=job_of(task.executor_detail).rpartition("/")[2],
            outputs={
                name: output.artifacts[0].uri
                for name, output in task.outputs.items()
                if output.artifacts
            },
            parameters={
                key.removeprefix(OUTPUT): whole(value)
                for key, value in (task.execution.metadata or {}).items()
                if key.startswith(OUTPUT)
            },
        )


def job_of(detail: Any) -> str:
    """The custom job that ran a task: Vertex AI's own, or the one that a launcher started."""
    return str(detail.container_detail.main_job or detail.custom_job_detail.job)


def names_down_to(task: Any, details: dict[int, Any]) -> list[str]:
    """Names from the top to a task."""
    names = [task.task_name]
    while task := details.get(task.parent_task_id):
        names.insert(0, task.task_name)
    return names
