"""The registry in Vertex AI: versions and aliases there, the files in a bucket.

A version's labels name its artefact, its data and its run; the files and the full lineage lie in
`components.registry.gcs`. Labels also hold what changes: which version it replaced, and when it
was first promoted. `default`, the alias that Vertex AI itself moves about, is left alone.
"""

from __future__ import annotations

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform
from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format, struct_pb2

from components.errors import DataError, RemoteError
from components.google_cloud import CALL_SECONDS, Place, patient, reaching, retry
from components.registry import manifest
from components.registry.base import Artefact, Version, numbered, pointed_to
from components.registry.gcs import DIGITS, Store
from components.registry.lineage import Lineage
from components.registry.settings import CANDIDATE

ARTEFACT = "retrain-artefact"
DATA = "retrain-data"
RUN = "retrain-run"
COMMIT = "retrain-commit"
DECISION = "retrain-decision"
REPLACED = "retrain-replaced"
PROMOTED = "retrain-promoted"
STAMP = "%Y%m%dt%H%M%Sz"

METRICS_SCHEMA = (
    "gs://google-cloud-aiplatform/schema/modelevaluation/text_extraction_metrics_1.0.0.yaml"
)


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
            found = self.service.list_models(request=request, **patient())
            return sorted(model.name.rpartition("/")[2].partition("@")[0] for model in found)

    def versions(self, name: str) -> list[Version]:
        ours = self._models(name)
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(lambda model: self._version(name, model), ours))

    def add(self, name: str, artefact: Artefact) -> Version:
        description = manifest.describe(artefact.model)
        key = self.store.put(name, artefact, description)

        # An upload whose answer was lost has made a version all the same: look before each try.
        @retry()
        def upload_once() -> bool:
            models = self._models(name)
            if any(model.labels[ARTEFACT] == key for model in models):
                return False
            self._upload(name, key, artefact.lineage, is_first=not self._exists(name))
            return True

        with reaching(f"register a version of {name}"):
            new = upload_once()
        version = next(each for each in self.versions(name) if each.artefact[:DIGITS] == key)
        if new:
            self._import_scores(version)
        return version

    def promote(self, name: str, number: str, alias: str, *, again: bool = True) -> Version:
        versions = self.versions(name)
        chosen = numbered(versions, number)
        if chosen is None:
            raise DataError(f"{name} in {self.place.name}: there is no version {number}.")
        if chosen.lineage.promoted and not again:
            return chosen
        self.verify(chosen)
        present = pointed_to(versions, alias)
        # As in the local registry: first what is replaced, then the alias, then the date, so that
        # an interrupted promotion is completed by the next attempt.
        if present is None or present.number != number:
            self._label(name, number, {REPLACED: present.number if present else ""})
            with reaching(f"point {alias} to version {number} of {name}"):
                self.service.merge_version_aliases(
                    name=self._path(name, number), version_aliases=[alias], **patient()
                )
        if not chosen.lineage.promoted:
            self._label(name, number, {PROMOTED: datetime.now(UTC).strftime(STAMP)})
        return next(each for each in self.versions(name) if each.number == number)

    def verify(self, version: Version) -> None:
        self.store.verify(version.name, version.artefact[:DIGITS])

    def fetch(self, version: Version, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self.store.fetch(version.name, version.artefact[:DIGITS], target)

    def document(self, version: Version, file: str) -> bytes | None:
        return self.store.document(version.name, version.artefact[:DIGITS], file)

    def _path(self, name: str, number: str = "") -> str:
        return f"{self.place.name}/models/{name}" + (f"@{number}" if number else "")

    def _exists(self, name: str) -> bool:
        try:
            self.service.get_model(name=self._path(name), **patient())
        except exceptions.NotFound:
            return False
        return True

    def _models(self, name: str) -> list[Any]:
        """Our versions of a model as the API gives them, oldest first."""
        with reaching(f"list the versions of {name}"):
            try:
                found = list(self.service.list_model_versions(name=self._path(name), **patient()))
            except exceptions.NotFound:
                return []
        ours = [model for model in found if ARTEFACT in model.labels]
        return sorted(ours, key=lambda model: int(model.version_id))

    def _version(self, name: str, model: Any) -> Version:
        key = model.labels[ARTEFACT]
        promoted = model.labels.get(PROMOTED, "")
        changes = {
            "replaced": model.labels.get(REPLACED, ""),
            "promoted": as_iso(promoted) if promoted else "",
        }
        return Version(
            name=name,
            number=model.version_id,
            uri=self.store.uri(name, key),
            aliases=tuple(sorted(set(model.version_aliases) - {"default"})),
            artefact=self.store.manifest(name, key).digest,
            lineage=self.store.lineage(name, key).model_copy(update=changes),
        )

    def _upload(self, name: str, key: str, lineage: Lineage, *, is_first: bool) -> None:
        self.place.start_sdk()
        served = {}
        if self.serving_image:
            served = {
                "artifact_uri": self.store.uri(name, key),
                "serving_container_image_uri": self.serving_image,
                "serving_container_predict_route": "/predict",
                "serving_container_health_route": "/health",
                "serving_container_ports": [8080],
                # The server loads these files and no others.
                "serving_container_environment_variables": {"RETRAIN_SERVE_DIGEST": key},
            }
        aiplatform.Model.upload(
            display_name=name,
            # Vertex AI refuses a second model of this id: two first uploads can't both win.
            model_id=name if is_first else None,
            parent_model=None if is_first else self._path(name),
            is_default_version=False,
            version_aliases=[CANDIDATE],
            version_description=described(lineage),
            labels=labels_of(key, lineage),
            upload_request_timeout=CALL_SECONDS,
            **served,
        )

    def _label(self, name: str, number: str, labels: dict[str, str]) -> None:
        with reaching(f"label version {number} of {name}"):
            model = self.service.get_model(name=self._path(name, number), **patient())
            changed = v1.Model(
                name=self._path(name, number), labels={**model.labels, **labels}, etag=model.etag
            )
            self.service.update_model(model=changed, update_mask={"paths": ["labels"]}, **patient())

    def _import_scores(self, version: Version) -> None:
        """Show the scores in the console. They are in the lineage anyway: failing is no matter."""
        overall = version.lineage.scores["overall"]
        scores = {
            shown: overall[key]
            for key, shown in (("p", "precision"), ("r", "recall"), ("f", "f1Score"))
            if overall.get(key) is not None and math.isfinite(overall[key])
        }
        metrics = struct_pb2.Value()
        json_format.ParseDict({"confidenceMetrics": [scores]}, metrics)
        evaluation = v1.ModelEvaluation(
            display_name=f"test set of {version.lineage.run}"[:128],
            metrics_schema_uri=METRICS_SCHEMA,
            metrics=metrics,
        )
        try:
            with reaching("import the scores"):
                self.service.import_model_evaluation(
                    parent=self._path(version.name, version.number),
                    model_evaluation=evaluation,
                    timeout=CALL_SECONDS,
                )
        except RemoteError as error:
            print(f"warning: the console will not show the scores: {error}", file=sys.stderr)


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


def described(lineage: Lineage) -> str:
    """What the console shows beside a version."""
    f = lineage.scores["overall"].get("f")
    score = "no F" if f is None else f"F {100 * f:.1f}"
    return (
        f"{score} on the test set; gate: {lineage.decision}; run {lineage.run}; "
        f"image {lineage.image or 'unknown'}"
    )


def as_iso(stamp: str) -> str:
    """The time of a label, ISO 8601 in UTC."""
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).isoformat()
