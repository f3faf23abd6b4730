"""Endpoints: models behind them, the traffic between these, and predictions."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format

from tests.support.service import ApiError
from tests.vertex.models import Models
from tests.vertex.operations import Operations
from tests.vertex.rules import check_display_name, parsed, query_of, require


class Endpoints:
    """The endpoints of one location.

    Attributes:
        mute: model resource names whose server answers every request with 500.
    """

    def __init__(self, operations: Operations, models: Models) -> None:
        self.operations = operations
        self.models = models
        self.by_name: dict[str, Any] = {}
        self.mute: set[str] = set()
        self._ids = (str(1000 + number) for number in count())
        self._asked: dict[str, int] = {}

    def create(self, parent: str, query: str, body: bytes) -> Any:
        query_of(query, {"endpointId"})
        endpoint = parsed(body, v1.Endpoint)
        check_display_name(endpoint.display_name)
        require(not endpoint.deployed_models, "deployed_models is output only.")
        endpoint.name = f"{parent}/endpoints/{next(self._ids)}"
        self.by_name[endpoint.name] = endpoint
        return self.operations.done(endpoint.name, endpoint)

    def list(self, parent: str, query: str, _body: bytes) -> Any:
        text = query_of(query, {"filter", "pageSize", "pageToken", "orderBy", "readMask"})
        match = re.fullmatch(r'display_name="([^"]*)"', text.get("filter", ""))
        require(match, 'this double knows one filter: display_name="…".')
        assert match
        matches = [each for each in self.by_name.values() if each.display_name == match[1]]
        return v1.ListEndpointsResponse(endpoints=matches)

    def get(self, name: str, query: str, _body: bytes) -> Any:
        query_of(query, set())
        if name not in self.by_name:
            raise ApiError(404, f"Endpoint {name} not found.")
        return self.by_name[name]

    def update(self, name: str, query: str, body: bytes) -> Any:
        mask = query_of(query, {"updateMask"}).get("updateMask", "")
        require(mask == "trafficSplit", f"updateMask {mask!r} is not supported here.")
        endpoint = self.get(name, "", b"")
        self._set_split(endpoint, dict(parsed(body, v1.Endpoint).traffic_split))
        return endpoint

    def deploy(self, name: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        endpoint, request = self.get(name, "", b""), parsed(body, v1.DeployModelRequest)
        deployed = v1.DeployedModel(request.deployed_model)
        path, _, version = deployed.model.partition("@")
        model = self.models.get(deployed.model, "", b"")
        require(model.container_spec.image_uri, f"{path} has no serving container.")
        require(deployed.dedicated_resources.machine_spec.machine_type, "machine_type.")
        deployed.id = next(self._ids)
        deployed.model_version_id = version
        endpoint.deployed_models.append(deployed)
        split = dict(request.traffic_split)
        self._set_split(endpoint, {deployed.id if id == "0" else id: s for id, s in split.items()})
        return self.operations.done(name, v1.DeployModelResponse(deployed_model=deployed))

    def undeploy(self, name: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        endpoint, request = self.get(name, "", b""), parsed(body, v1.UndeployModelRequest)
        gone = request.deployed_model_id
        split = dict(endpoint.traffic_split)
        require(not split.get(gone) or len(split) == 1, "its traffic must be 0 first.")
        kept = [each for each in endpoint.deployed_models if each.id != gone]
        require(len(kept) < len(endpoint.deployed_models), f"{gone} is not deployed.")
        endpoint.deployed_models = kept
        self._set_split(endpoint, dict(request.traffic_split) if kept else {})
        return self.operations.done(name, v1.UndeployModelResponse())

    def predict(self, name: str, query: str, body: bytes) -> Any:
        query_of(query, set())
        endpoint, request = self.get(name, "", b""), parsed(body, v1.PredictRequest)
        require(request.instances, "instances is required.")
        deployed = self._next(endpoint)
        if deployed.model in self.mute:
            raise ApiError(400, "the model server answered 500")
        prediction = {"entities": [], "versions": {}}
        answer = {"predictions": [prediction for _ in request.instances]}
        message = v1.PredictResponse(deployed_model_id=deployed.id)
        json_format.ParseDict(answer, v1.PredictResponse.pb(message))
        return message

    def _next(self, endpoint: Any) -> Any:
        """Who answers the next request, in the proportions of the traffic split."""
        number = self._asked[endpoint.name] = self._asked.get(endpoint.name, -1) + 1
        position = number % 100
        for id, percent in endpoint.traffic_split.items():
            if position < percent:
                return next(each for each in endpoint.deployed_models if each.id == id)
            position -= percent
        raise ApiError(400, "nothing is deployed here.")

    @staticmethod
    def _set_split(endpoint: Any, split: dict[str, int]) -> None:
        ids = {each.id for each in endpoint.deployed_models}
        require(set(split) <= ids, f"traffic_split names {sorted(set(split) - ids)}.")
        require(not split or sum(split.values()) == 100, "traffic_split must sum to 100.")
        endpoint.traffic_split = {id: percent for id, percent in split.items() if percent}
