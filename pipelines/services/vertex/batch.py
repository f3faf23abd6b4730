"""A registered model over files of texts, as a batch prediction job of Vertex AI.

The texts go into the bucket as instances, each with its number, and the job's own folder is named
after what decides its result. So the same command finds the job that an earlier one began, and
what comes back in any order is put in that of the texts, each once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format, struct_pb2

from components.answers.findings import Findings
from components.answers.formats import json_row
from components.errors import ConfigError, RemoteError
from components.files import writing
from components.google_cloud import Place, patient, reaching
from components.records.pool import Texts
from components.records.texts import Text
from components.registry.base import Version

# What the server takes: options of containers.serve, which `upload` leaves as they are.
LONGEST = 50_000  # characters of a text
INSTANCES = 16  # sent together: so many of the longest texts still fit into one request
LABEL = "retrain-predict"
DIGITS = 16
POLL_SECONDS = 20.0
FAILED = (v1.JobState.JOB_STATE_FAILED, v1.JobState.JOB_STATE_CANCELLED)
OVER = (
    *FAILED,
    v1.JobState.JOB_STATE_EXPIRED,
    v1.JobState.JOB_STATE_SUCCEEDED,
    v1.JobState.JOB_STATE_PARTIALLY_SUCCEEDED,
)


@dataclass(frozen=True)
class Batch:
    """A job that has ended.

    Attributes:
        job: its resource name.
        begun: whether an earlier command had begun it.
        texts: in the output.
    """

    output: Path
    job: str
    begun: bool
    texts: int


class Batches:
    """The batch prediction jobs of a region.

    Args:
        root: folder of a bucket, gs://bucket/folder.
        service_account: that the model runs as; "" for Vertex AI's own.
        watch: called with the state of a job while it runs.
    """

    def __init__(
        self,
        place: Place,
        root: str,
        service_account: str = "",
        watch: Callable[[str], None] = lambda _state: None,
    ) -> None:
        self._place = place
        self._jobs = place.client(v1.JobServiceClient)
        bucket, _, folder = root.removeprefix("gs://").partition("/")
        self._bucket = place.storage.bucket(bucket)
        self._folder = f"{folder.rstrip('/')}/predict".lstrip("/")
        self._service_account = service_account
        self._watch = watch

    def predict(
        self, version: Version, texts: Texts, output: Path, machine: str, *, confidence: bool
    ) -> Batch:
        """Predict texts with a version, and write what comes back as JSON Lines.

        Raises:
            ConfigError: the output is there.
            RemoteError: Vertex AI failed, or did not predict every text.
        """
        if output.exists():
            raise ConfigError(f"{output}: is already there. Choose another name, or remove it.")
        decides = [version.artefact, *texts.identities, texts.key, confidence]
        key = hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:DIGITS]
        job = self._begun(key)
        begun = job is not None
        if job is None:
            self._send(key, texts)
            job = self._create(key, version, machine, confidence=confidence)
        job = self._until_over(job)
        written = self._write(job, version, texts, output)
        return Batch(output, job.name, begun, written)

    def _begun(self, key: str) -> Any:
        """The job of an earlier command that has not failed; None if there is none."""
        request = {"parent": self._place.name, "filter": f'labels.{LABEL}="{key}"'}
        with reaching("list the batch prediction jobs"):
            jobs = list(self._jobs.list_batch_prediction_jobs(request=request, **patient()))
        good = [one for one in jobs if one.state not in OVER or succeeded(one)]
        return good[0] if good else None

    def _send(self, key: str, texts: Texts) -> None:
        """Put the texts into the bucket; they are there once all of them are."""
        blob = self._bucket.blob(f"{self._folder}/{key}/texts.jsonl")
        with reaching(f"write {blob.name}"), blob.open("wb") as file:
            number = 0
            for piece in texts.behind(0):
                for text in piece:
                    meta = {"number": number, "meta": text.meta}
                    row = msgspec.json.encode({"text": text.text, "meta": meta})
                    file.write(row + b"\n")
                    number += 1

    def _create(self, key: str, version: Version, machine: str, *, confidence: bool) -> Any:
        """Begin a job."""
        here = f"gs://{self._bucket.name}/{self._folder}/{key}"
        config = v1.BatchPredictionJob
        job = v1.BatchPredictionJob(
            display_name=f"{version.name} {version.number}, {key}",
            model=f"{self._place.name}/models/{version.name}@{version.number}",
            input_config=config.InputConfig(
                instances_format="jsonl", gcs_source=v1.GcsSource(uris=[f"{here}/texts.jsonl"])
            ),
            output_config=config.OutputConfig(
                predictions_format="jsonl",
                gcs_destination=v1.GcsDestination(output_uri_prefix=f"{here}/predictions"),
            ),
            model_parameters=as_value({"confidence": confidence}),
            dedicated_resources=v1.BatchDedicatedResources(
                machine_spec=v1.MachineSpec(machine_type=machine),
                starting_replica_count=1,
                max_replica_count=1,
            ),
            manual_batch_tuning_parameters=v1.ManualBatchTuningParameters(batch_size=INSTANCES),
            labels={LABEL: key},
            service_account=self._service_account,
        )
        with reaching(f"begin a batch prediction job of {version.name} {version.number}"):
            return self._jobs.create_batch_prediction_job(
                parent=self._place.name, batch_prediction_job=job, timeout=patient()["timeout"]
            )

    def _until_over(self, job: Any) -> Any:
        """Wait for the end of a job.

        Raises:
            RemoteError: it did not succeed.
        """
        while job.state not in OVER:
            self._watch(f"{job.state.name.removeprefix('JOB_STATE_').lower()}: {job.name}")
            time.sleep(POLL_SECONDS)
            with reaching(f"read {job.name}"):
                job = self._jobs.get_batch_prediction_job(name=job.name, **patient())
        if not succeeded(job):
            state = job.state.name.removeprefix("JOB_STATE_").lower()
            partial = "; ".join(each.message for each in job.partial_failures)
            failed = job.completion_stats.failed_count
            raise RemoteError(
                f"{job.name} {state}: {job.error.message or partial or 'no reason given'}"
                + (f" ({failed:,} texts failed)" if failed else "")
                + ". Its folder in the bucket has the errors; the same command begins another job."
            )
        return job

    def _write(self, job: Any, version: Version, texts: Texts, output: Path) -> int:
        """Write what a job predicted in the order of the texts; return how many.

        Raises:
            RemoteError: a text came back twice, or not at all.
        """
        with TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/rows")) as rows:
            rows.execute("create table said (number integer primary key, row blob)")
            for name, line in self._lines(job.output_info.gcs_output_directory):
                number, row = row_of(name, line, version)
                try:
                    rows.execute("insert into said values (?, ?)", (number, row))
                except sqlite3.IntegrityError:
                    raise RemoteError(f"{name}: text {number + 1} came back twice.") from None
            (count,) = rows.execute("select count(*) from said").fetchone()
            if count != texts.count:
                raise RemoteError(
                    f"{job.name}: {count:,} of {texts.count:,} texts came back. Look for "
                    f"prediction.errors in {job.output_info.gcs_output_directory}."
                )
            with writing(output) as path, path.open("wb") as file:
                ordered = rows.execute("select row from said order by number")
                file.writelines(row + b"\n" for (row,) in ordered)
            return int(count)

    def _lines(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """The lines of a job's results, with the names of their files."""
        prefix = folder.removeprefix(f"gs://{self._bucket.name}/").rstrip("/")
        with reaching(f"read {folder}"):
            for blob in self._bucket.list_blobs(prefix=f"{prefix}/prediction.results"):
                with blob.open("rb") as file:
                    for line in file:
                        yield blob.name, line


def succeeded(job: Any) -> bool:
    """Whether a job predicted every text, as far as it says."""
    over = job.state == v1.JobState.JOB_STATE_SUCCEEDED
    return bool(over and not job.completion_stats.failed_count)


def row_of(name: str, line: bytes, version: Version) -> tuple[int, bytes]:
    """The number of a text, and its row of the output.

    Raises:
        RemoteError: the line is not what the server answers.
    """
    try:
        said = msgspec.json.decode(line)
        instance, answer = said["instance"], said["prediction"]
        number, meta = int(instance["meta"]["number"]), instance["meta"]["meta"]
        fields = {key: answer[key] for key in Findings.model_fields if key in answer}
        findings = Findings.model_validate(fields)
        row = json_row(Text(name, instance["text"], meta), findings, {version.name: version.number})
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise RemoteError(f"{name}: not an answer of the model server ({error!r}).") from error
    return number, msgspec.json.encode(row)


def as_value(value: Any) -> Any:
    """JSON as the API's clients hold it."""
    message = struct_pb2.Value()
    json_format.ParseDict(value, message)
    return message
