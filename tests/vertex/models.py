"""The model registry: models with versions and aliases, and evaluations of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format

from tests.support.service import ApiError
from tests.vertex.discovery import deviations_of
from tests.vertex.operations import Operations
from tests.vertex.rules import (
    check_display_name,
    check_labels,
    matches,
    parsed,
    query_of,
    require,
)

ALIAS = r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]"
# A schema of metrics that a client names -> what Google's description calls its content.
EVALUATIONS = {
    f"gs://google-cloud-aiplatform/schema/modelevaluation/{file}_metrics_1.0.0.yaml": (
        f"GoogleCloudAiplatformV1SchemaModelevaluationMetrics{name}EvaluationMetrics"
    )
    for file, name in (("classification", "Classification"), ("text_extraction", "TextExtraction"))
}
UPDATABLE = {"labels", "display_name", "description", "version_description"}


class Models:
    """The models of one location; there is no way to delete one here.

    Labels of an upload are the model's, and come back merged with a version's own: the reference
    (UpdateModelRequest) leaves open which they are, so a client must not rely on it.
    """

    def __init__(self, operations: Operations) -> None:
        self.operations = operations
        self.labels: dict[str, dict[str, str]] = {}
        self.by_name: dict[str, list[Any]] = {}
        self.evaluations: list[tuple[str, Any]] = []
        self.evaluation_schemas: list[str] = []

    def upload(self, parent: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        request = parsed(body, v1.UploadModelRequest)
        model = request.model
        check_model(model)
        name = request.parent_model
        if name:
            require(not request.model_id, "model_id and parent_model exclude each other.")
            self._versions(name)
        else:
            require(
                re.fullmatch(r"[a-z_][a-z0-9_-]{0,62}", request.model_id),
                f"model_id {request.model_id!r} is invalid.",
            )
            name = f"{parent}/models/{request.model_id}"
            if name in self.by_name:
                raise ApiError(409, f"Model {name} already exists.")
        return self.operations.done(name, self._add(name, model))

    def list(self, parent: str, query: str, _body: bytes) -> Any:
        text = query_of(query, {"filter", "pageSize", "pageToken", "orderBy", "readMask"})
        newest = [self._merged(versions[-1]) for versions in self.by_name.values()]
        chosen = [
            model
            for model in newest
            if model.name.startswith(f"{parent}/") and passes(text.get("filter", ""), model)
        ]
        return v1.ListModelsResponse(models=chosen)

    def get(self, name: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        return self._merged(self._version(name))

    def list_versions(self, name: str, query: str, _body: bytes) -> Any:
        text = query_of(query, {"filter", "pageSize", "pageToken", "orderBy", "readMask"})
        versions = self._versions(name)
        # One a page, newest first: a client that reads only one page must fail.
        start = int(text.get("pageToken", "0"))
        more = str(start + 1) if start + 1 < len(versions) else ""
        page = [self._merged(each) for each in versions[::-1][start : start + 1]]
        return v1.ListModelVersionsResponse(models=page, next_page_token=more)

    def merge_aliases(self, name: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        require(re.search(r"@\d+$", name), "name must end in a version id.")
        version = self._version(name)
        for alias in parsed(body, v1.MergeVersionAliasesRequest).version_aliases:
            require(re.fullmatch(ALIAS, alias), f"version alias {alias!r} is invalid.")
            self._move(name.partition("@")[0], alias, version)
        return version

    def update(self, name: str, query: str, body: bytes) -> Any:
        mask = query_of(query, {"updateMask"}).get("updateMask", "").split(",")
        wanted = {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), path) for path in mask}
        require(wanted <= UPDATABLE, f"updateMask {mask} has fields that can't be updated.")
        version, change = self._version(name), parsed(body, v1.Model)
        if change.etag and change.etag != version.etag:
            raise ApiError(409, "etag does not match: the model was changed meanwhile.")
        check_labels(change.labels)
        for field in wanted:
            setattr(version, field, getattr(change, field))
        version.etag = f"{int(version.etag) + 1}"
        return version

    def import_evaluation(self, parent: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        evaluation = parsed(body, v1.ImportModelEvaluationRequest).model_evaluation
        self._version(parent)
        schema = EVALUATIONS.get(evaluation.metrics_schema_uri, "")
        require(bool(schema), "metrics_schema_uri.")
        metrics = json_format.MessageToDict(v1.ModelEvaluation.pb(evaluation).metrics)
        # Any value for the method; the schema that the client names describes it.
        faults = deviations_of(metrics, schema)
        require(not faults, f"Invalid Metrics Format: {faults}")
        require("confusionMatrix" not in metrics, "Invalid Metrics Format")
        self.evaluations.append((parent, metrics))
        self.evaluation_schemas.append(evaluation.metrics_schema_uri.rpartition("/")[2])
        return evaluation

    def _add(self, name: str, model: Any) -> Any:
        model = v1.Model(model)
        versions = self.by_name.setdefault(name, [])
        aliases = list(model.version_aliases) + ([] if versions else ["default"])
        model.name = name
        self.labels[name] = {**self.labels.get(name, {}), **model.labels}
        model.labels = {}
        model.version_id = str(len(versions) + 1)
        model.version_create_time = datetime.now(UTC)
        model.version_aliases = []
        model.etag = "1"
        versions.append(model)
        for alias in dict.fromkeys(aliases):
            self._move(name, alias, model)
        return v1.UploadModelResponse(model=name, model_version_id=model.version_id)

    def _merged(self, version: Any) -> Any:
        """A version as it is returned."""
        merged = v1.Model(version)
        merged.labels = {**self.labels[version.name], **version.labels}
        return merged

    def _move(self, name: str, alias: str, to: Any) -> None:
        for version in self._versions(name):
            if alias in version.version_aliases:
                version.version_aliases.remove(alias)
        to.version_aliases.append(alias)

    def _versions(self, name: str) -> list[Any]:
        if name not in self.by_name:
            raise ApiError(404, f"Model {name} not found.")
        return self.by_name[name]

    def _version(self, name: str) -> Any:
        model, _, reference = name.partition("@")
        for version in self._versions(model):
            if (reference or "default") in (version.version_id, *version.version_aliases):
                return version
        raise ApiError(404, f"Model version {name} not found.")


def check_model(model: Any) -> None:
    """What the reference requires of a model to upload."""
    check_display_name(model.display_name)
    check_labels(model.labels)
    for alias in model.version_aliases:
        require(re.fullmatch(ALIAS, alias), f"version alias {alias!r} is invalid.")
    if model.artifact_uri or model.container_spec.image_uri:
        require(model.artifact_uri.startswith("gs://"), "artifact_uri must be a gs:// folder.")
        require(model.container_spec.image_uri, "container_spec.image_uri is required.")


def passes(filter_text: str, model: Any) -> bool:
    """Filters of models also ask for the presence of a label."""
    if presence := re.fullmatch(r"labels\.([\w-]+):\*", filter_text):
        return presence[1] in model.labels
    labels = {f"labels.{key}": value for key, value in model.labels.items()}
    return matches(filter_text, {"display_name": model.display_name, **labels})
