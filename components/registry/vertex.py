"""The registry in Vertex AI: versions and aliases there, the files in a bucket.

A version's labels name its artefact, its data and its run; the files, the full lineage and the
history of what was in production lie in `components.registry.gcs`. `default`, the alias that Vertex
AI itself moves about, is left alone.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format, struct_pb2

from components.errors import DataError, RemoteError
from components.google_cloud import Place, patient, reaching, retry
from components.patience import CALL_SECONDS, PATIENCE_SECONDS
from components.registry.base import Artefact, Version, checked_name, is_news, manifest_of
from components.registry.gcs import DIGITS, Store
from components.registry.history import Entry, Operation, lineage_now, took_effect
from components.registry.lineage import Lineage, now
from components.registry.settings import CANDIDATE

ARTEFACT = "retrain-artefact"
DATA = "retrain-data"
RUN = "retrain-run"
COMMIT = "retrain-commit"
DECISION = "retrain-decision"
REPLACED = "retrain-replaced"
PROMOTED = "retrain-promoted"
RENEWED = "retrain-renewed"
STAMP = "%Y%m%dt%H%M%Sz"

SCHEMAS = "gs://google-cloud-aiplatform/schema/modelevaluation/"


class VertexRegistry:
    """Implements `components.registry.base.Registry` with the Vertex AI Model Registry.

    Args:
        bucket, prefix: where the files of all models are kept.
        serving_image: image that a deployed version runs in; '' registers without one.
    """

    def __init__(self, place: Place, bucket: str, prefix: str, serving_image: str = "") -> None:
        self.place = place
        self.serving_image = serving_image
        self.store = Store(place.storage, bucket, prefix)
        self.service = place.client(v1.ModelServiceClient)

    def names(self) -> list[str]:
        with reaching("list the models"):
            request = {"parent": self.place.name, "filter": f"labels.{ARTEFACT}:*"}
            models = self.service.list_models(request=request, **patient())
            return sorted(model.name.rpartition("/")[2].partition("@")[0] for model in models)

    def versions(self, name: str, *, damaged: bool = False) -> list[Version]:  # noqa: ARG002
        uploaded = [model for model in self._models(checked_name(name)) if ARTEFACT in model.labels]
        entries = self.history(name) if uploaded else []
        operations = [
            operation
            for alias in {entry.operation.alias for entry in entries}
            for operation in took_effect(entries, alias, pointing(uploaded, alias))
        ]
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(lambda model: self._version(name, model, operations), uploaded))

    def add(self, name: str, artefact: Artefact) -> Version:
        description = manifest_of(artefact)
        key = self.store.put(checked_name(name), artefact, description)

        # An upload whose answer was lost has made a version all the same: look before each try.
        @retry()
        def upload_once() -> bool:
            models = self._models(name)
            there = next((each for each in models if is_of(each, key)), None)
            number = there.version_id if there else ""
            if not there:
                number = self._upload(name, key, artefact.lineage, is_first=not models)
            if not there or there.labels.get(ARTEFACT) != key:
                # Labels of an upload may become the model's, and so those of all its versions.
                self._label(name, number, labels_of(key, artefact.lineage))
            return not there

        with reaching(f"register a version of {name}"):
            new = upload_once()
        version = self._of_key(name, key)
        if new:
            self._import_scores(version)
            return version
        if is_news(artefact.lineage, version.stored):
            self._renew(version, artefact)
        if CANDIDATE not in version.aliases:
            self.point(name, CANDIDATE, version.number)
        return self._of_key(name, key)

    def pointed(self, name: str, alias: str) -> str:
        models = self._models(checked_name(name))
        number = pointing(models, alias)
        foreign = {model.version_id for model in models if ARTEFACT not in model.labels}
        if number in foreign:
            raise DataError(
                f"{alias} of {name} in {self.place.name} points to version {number}, which is none "
                f"of ours. Put another one in production: `retrain models promote {name} VERSION "
                f"--alias {alias}`."
            )
        return number

    def locked(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing: the history decides between two processes."""
        return nullcontext()

    def history(self, name: str) -> list[Entry]:
        return self.store.history(name)

    def record(self, name: str, entry: Entry) -> bool:
        return self.store.record(name, entry)

    def finish(self, name: str, number: int) -> None:
        self.store.finish(name, number)

    def point(self, name: str, alias: str, number: str) -> None:
        with reaching(f"point {alias} to version {number} of {name}"):
            self.service.merge_version_aliases(
                name=self._path(name, number), version_aliases=[alias], **patient()
            )

    def verify(self, version: Version) -> None:
        self.store.verify(version.name, version.artefact[:DIGITS])

    def fetch(self, version: Version, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self.store.fetch(version.name, version.artefact[:DIGITS], target)

    def document(self, version: Version, file: str) -> bytes | None:
        return self.store.document(version.name, version.documents, file)

    def _path(self, name: str, number: str = "") -> str:
        return f"{self.place.name}/models/{name}" + (f"@{number}" if number else "")

    def _models(self, name: str) -> list[Any]:
        """The versions of a model as the API gives them, oldest first."""
        with reaching(f"list the versions of {name}"):
            try:
                models = list(self.service.list_model_versions(name=self._path(name), **patient()))
            except exceptions.NotFound:
                return []
        return sorted(models, key=lambda model: int(model.version_id))

    def _version(self, name: str, model: Any, operations: Sequence[Operation]) -> Version:
        key = model.labels[ARTEFACT]
        renewed = model.labels.get(RENEWED, "")
        documents = f"{key}/renewed/{renewed}" if renewed else key
        # Labels of versions that were promoted before there was a history.
        promoted = model.labels.get(PROMOTED, "")
        stored = self.store.lineage(name, documents).model_copy(
            update={
                "replaced": model.labels.get(REPLACED, ""),
                "promoted": as_iso(promoted) if promoted else "",
            }
        )
        return Version(
            name=name,
            number=model.version_id,
            uri=self.store.uri(name, key),
            aliases=tuple(sorted(set(model.version_aliases) - {"default"})),
            artefact=self.store.manifest(name, key).digest,
            stored=stored,
            lineage=lineage_now(stored, model.version_id, operations),
            documents=documents,
        )

    def _of_key(self, name: str, key: str) -> Version:
        return next(each for each in self.versions(name) if each.artefact[:DIGITS] == key)

    def _renew(self, version: Version, artefact: Artefact) -> None:
        """Keep the documents of the same model that came about in another way."""
        key = version.artefact[:DIGITS]
        changes = {"created": version.stored.created, "renewed": now()}
        lineage = artefact.lineage.model_copy(update=changes)
        folder = self.store.renew(version.name, key, artefact, lineage)
        labels = {**labels_of(key, lineage), RENEWED: folder.rpartition("/")[2]}
        self._label(version.name, version.number, labels)

    def _upload(self, name: str, key: str, lineage: Lineage, *, is_first: bool) -> str:
        """Make a version, without labels; returns its number."""
        model = v1.Model(
            display_name=name,
            version_aliases=[CANDIDATE],
            version_description=described(key, lineage),
        )
        if self.serving_image:
            model.artifact_uri = self.store.uri(name, key)
            model.container_spec = v1.ModelContainerSpec(
                image_uri=self.serving_image,
                predict_route="/predict",
                health_route="/health",
                ports=[v1.Port(container_port=8080)],
                # The server loads these files and no others.
                env=[v1.EnvVar(name="RETRAIN_SERVE_DIGEST", value=key)],
            )
        request = v1.UploadModelRequest(
            parent=self.place.name,
            model=model,
            # Vertex AI refuses a second model of this id: two first uploads can't both win.
            model_id=name if is_first else "",
            parent_model="" if is_first else self._path(name),
        )
        made = self.service.upload_model(request=request, timeout=CALL_SECONDS)
        return str(made.result(timeout=PATIENCE_SECONDS).model_version_id)

    def _label(self, name: str, number: str, labels: dict[str, str]) -> None:
        # Whoever changes the same version meanwhile changes its etag: look again.
        @Retry(predicate=if_exception_type(exceptions.Conflict), timeout=PATIENCE_SECONDS)
        def label_once() -> None:
            model = self.service.get_model(name=self._path(name, number), **patient())
            changed = v1.Model(
                name=self._path(name, number), labels={**model.labels, **labels}, etag=model.etag
            )
            self.service.update_model(model=changed, update_mask={"paths": ["labels"]}, **patient())

        with reaching(f"label version {number} of {name}"):
            label_once()

    def _import_scores(self, version: Version) -> None:
        """Show the scores in the console. They are in the lineage anyway: failing is no matter."""
        try:
            for task, scores in version.lineage.tasks.items():
                with reaching("import the scores"):
                    self.service.import_model_evaluation(
                        parent=self._path(version.name, version.number),
                        model_evaluation=evaluation_of(task, scores, version.lineage.run),
                        timeout=CALL_SECONDS,
                    )
        except RemoteError as error:
            print(f"warning: the console will not show the scores: {error}", file=sys.stderr)


def evaluation_of(task: str, scores: dict[str, Any], run: str) -> v1.ModelEvaluation:
    """The scores of one task, of which a version may have several.

    Args:
        task: its name; "" of one that is alone.
    """
    schema = "classification" if "macro" in scores else "text_extraction"
    metrics = struct_pb2.Value()
    json_format.ParseDict({"confidenceMetrics": [console_scores(scores)]}, metrics)
    named = f"{task}: test set of {run}" if task else f"test set of {run}"
    return v1.ModelEvaluation(
        display_name=named[:128],
        metrics_schema_uri=f"{SCHEMAS}{schema}_metrics_1.0.0.yaml",
        metrics=metrics,
    )


def console_scores(scores: dict[str, Any]) -> dict[str, float]:
    """Those of a model's scores that are numbers, by the names of Vertex AI's metrics."""
    overall, macro = scores["overall"], scores.get("macro", {})
    named = {
        "precision": overall.get("p"),
        "recall": overall.get("r"),
        "f1Score": overall.get("f"),
        "f1ScoreMacro": macro.get("f"),
    }
    return {name: f for name, f in named.items() if f is not None and math.isfinite(f)}


def pointing(models: Sequence[Any], alias: str) -> str:
    """The number of the version that has an alias; '' if none has."""
    return next((model.version_id for model in models if alias in model.version_aliases), "")


def labels_of(key: str, lineage: Lineage) -> dict[str, str]:
    """The labels of a new version; a value has at most 63 small letters, digits, _ and -."""
    labels = {
        ARTEFACT: key,
        DATA: lineage.digest[:DIGITS],
        RUN: lineage.run[-63:],
        COMMIT: lineage.commit,
        DECISION: lineage.decision,
    }
    return {label: value.lower() for label, value in labels.items() if value}


def is_of(version: Any, key: str) -> bool:
    """Whether a version holds an artefact, also where its upload was killed before its labels."""
    return version.labels.get(ARTEFACT) == key or f"artefact {key}" in version.version_description


def described(key: str, lineage: Lineage) -> str:
    """What the console shows beside a version."""
    scores = ", ".join(
        f"{name} {score(task['overall'].get('f'))}".strip() for name, task in lineage.tasks.items()
    )
    return (
        f"{scores} on the test set; gate: {lineage.decision}; run {lineage.run}; "
        f"image {lineage.image or 'unknown'}; artefact {key}"
    )


def score(f: float | None) -> str:
    """An F for people."""
    return "no F" if f is None else f"F {100 * f:.1f}"


def as_iso(stamp: str) -> str:
    """The time of a label, ISO 8601 in UTC."""
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).isoformat()
