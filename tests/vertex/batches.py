"""Batch prediction jobs: the texts go through the real server, and come back in another order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as v1
from google.cloud import storage
from google.protobuf import json_format

from tests.support.service import ApiError
from tests.vertex.models import Models
from tests.vertex.rules import check_display_name, check_labels, matches, parsed, query_of, require

State = v1.JobState
SHARDS = 2
# (instances, parameters) -> predictions, as the server behind the model's predict route answers.
Server = Callable[[list[Any], Any], list[Any]]


class Batches:
    """The batch prediction jobs of one location; each is a step further whenever it is read.

    Attributes:
        server: what runs in the container of every model.
        losing, doubling: how many of the last texts do not come back, or come back twice.
        failing: why jobs fail; "" for those that do not.
    """

    def __init__(self, models: Models) -> None:
        self.models = models
        self.by_name: dict[str, Any] = {}
        self.server: Server = lambda _instances, _parameters: []
        self.losing = self.doubling = 0
        self.failing = ""

    def create(self, parent: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        job = parsed(body, v1.BatchPredictionJob)
        check_display_name(job.display_name)
        check_labels(job.labels)
        model = self.models.get(job.model, "", b"")
        require(model.container_spec.image_uri, "the model has no container to predict with.")
        require(job.input_config.instances_format == "jsonl", "instances_format.")
        require(job.output_config.predictions_format == "jsonl", "predictions_format.")
        require(job.input_config.gcs_source.uris, "gcs_source.uris is required.")
        require(job.dedicated_resources.machine_spec.machine_type, "machine_type is required.")
        require(0 < job.manual_batch_tuning_parameters.batch_size <= 256, "batch_size.")
        job.name = f"{parent}/batchPredictionJobs/{len(self.by_name) + 1}"
        job.state = State.JOB_STATE_PENDING
        self.by_name[job.name] = job
        return job

    def list(self, parent: str, query: str, _body: bytes) -> Any:
        text = query_of(query, {"filter", "pageSize", "pageToken", "readMask"}).get("filter", "")
        jobs = [
            job
            for name, job in self.by_name.items()
            if name.startswith(f"{parent}/")
            and matches(text, {f"labels.{key}": value for key, value in job.labels.items()})
        ]
        return v1.ListBatchPredictionJobsResponse(batch_prediction_jobs=jobs)

    def get(self, name: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        if name not in self.by_name:
            raise ApiError(404, f"BatchPredictionJob {name} not found.")
        job = self.by_name[name]
        if job.state == State.JOB_STATE_PENDING:
            job.state = State.JOB_STATE_RUNNING
        elif job.state == State.JOB_STATE_RUNNING and self.failing:
            job.state = State.JOB_STATE_FAILED
            job.error = {"code": 9, "message": self.failing}
        elif job.state == State.JOB_STATE_RUNNING:
            self._finish(job)
        return job

    def _finish(self, job: Any) -> None:
        client = storage.Client(project="my-project", credentials=AnonymousCredentials())
        [uri] = job.input_config.gcs_source.uris
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        rows = client.bucket(bucket).blob(name).download_as_text().splitlines()
        instances = [json.loads(row) for row in rows]
        size = job.manual_batch_tuning_parameters.batch_size
        message = json_format.MessageToDict(v1.BatchPredictionJob.pb(job))
        lines = [
            json.dumps({"instance": instance, "prediction": prediction})
            for start in range(0, len(instances), size)
            for instance, prediction in zip(
                instances[start : start + size],
                self.server(instances[start : start + size], message.get("modelParameters")),
                strict=True,
            )
        ]
        lines = lines[: len(lines) - self.losing]
        lines += lines[len(lines) - self.doubling :] if self.doubling else []
        target = job.output_config.gcs_destination.output_uri_prefix + "/prediction-ner-2026"
        folder = target.removeprefix(f"gs://{bucket}/")
        for shard in range(SHARDS):
            text = "".join(line + "\n" for line in lines[::-1][shard::SHARDS])
            blob = client.bucket(bucket).blob(
                f"{folder}/prediction.results-{shard:05}-of-{SHARDS:05}"
            )
            blob.upload_from_string(text)
        job.output_info = {"gcs_output_directory": target}
        job.completion_stats = {"successful_count": len(lines)}
        job.state = State.JOB_STATE_SUCCEEDED
