"""Put a registered model behind an endpoint of Vertex AI, a share of the traffic at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format, struct_pb2

from components.errors import ConfigError, RemoteError
from components.google_cloud import Place, patient, reaching
from components.registry.base import Version

# A new version gets this share until it has answered, unless it is the only one.
CANARY = 10
PROBES = 300
PROBE = "Send form P60 to HM Revenue and Customs in London by 31 January 2025."
DEPLOY_SECONDS = 3600.0


@dataclass(frozen=True)
class Deployment:
    """An endpoint after a deployment.

    Attributes:
        endpoint: its resource name.
        traffic: deployed version ("name@3") -> its share in percent.
        removed: versions that are no longer deployed.
    """

    endpoint: str
    traffic: dict[str, int]
    removed: list[str]


class Endpoints:
    """The endpoints of a region."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._service = place.client(v1.EndpointServiceClient)
        self._prediction = place.client(v1.PredictionServiceClient)

    def deploy(self, version: Version, endpoint: str, traffic: int, machine: str) -> Deployment:
        """Give a version a share of an endpoint's traffic; what was there keeps the rest.

        The version first gets a small share. It keeps or raises it only once it has answered; if
        it does not, it is taken away and the traffic is as before. With the whole traffic, the
        others are then undeployed. Running it again changes nothing more.

        Args:
            endpoint: display name of the endpoint, which is made if there is none.
            traffic: percent for the version, 1 to 100.
            machine: the type of machine it runs on.

        Raises:
            ConfigError: several endpoints have that name.
            RemoteError: Vertex AI failed, or the version did not answer.
        """
        name = self._find_or_create(endpoint)
        before = self._get(name)
        model = f"{version.name}@{version.number}"
        new = next((d.id for d in before.deployed_models if label(d) == model), "")
        if not new:
            first_share = min(traffic, CANARY) if before.deployed_models else 100
            new = self._deploy(before, version, first_share, machine)
            try:
                self._until_answered(name, new, model)
            except RemoteError:
                self._remove(name, new, dict(before.traffic_split))
                raise
        return self._settle(name, new, traffic)

    def _settle(self, name: str, new: str, traffic: int) -> Deployment:
        """Give a version that has answered its share, and take away what has none left."""
        others = {id: percent for id, percent in self._get(name).traffic_split.items() if id != new}
        split = {new: traffic, **shared(others, 100 - traffic)} if others else {new: 100}
        self._split(name, split)
        removed = []
        for deployed in self._get(name).deployed_models:
            if traffic == 100 and deployed.id != new:
                self._undeploy(name, deployed.id, {new: 100})
                removed.append(label(deployed))
        after = self._get(name)
        names = {deployed.id: label(deployed) for deployed in after.deployed_models}
        return Deployment(name, {names[id]: s for id, s in after.traffic_split.items()}, removed)

    def _find_or_create(self, endpoint: str) -> str:
        parent = self._place.name
        with reaching(f"find the endpoint {endpoint}"):
            request = {"parent": parent, "filter": f'display_name="{endpoint}"'}
            endpoints = list(self._service.list_endpoints(request=request, **patient()))
            if len(endpoints) > 1:
                names = ", ".join(each.name for each in endpoints)
                raise ConfigError(f"several endpoints are named {endpoint!r}: {names}. Rename one.")
            if endpoints:
                return str(endpoints[0].name)
            made = self._service.create_endpoint(
                parent=parent, endpoint=v1.Endpoint(display_name=endpoint)
            )
            return str(made.result(timeout=DEPLOY_SECONDS).name)

    def _get(self, name: str) -> Any:
        with reaching(f"read {name}"):
            return self._service.get_endpoint(name=name, **patient())

    def _deploy(self, endpoint: Any, version: Version, percent: int, machine: str) -> str:
        """Deploy a version with a share of the traffic; return its id at the endpoint."""
        resources = v1.DedicatedResources(
            machine_spec=v1.MachineSpec(machine_type=machine),
            min_replica_count=1,
            max_replica_count=1,
        )
        path = f"{self._place.name}/models/{version.name}@{version.number}"
        split = {"0": percent, **shared(dict(endpoint.traffic_split), 100 - percent)}
        with reaching(f"deploy {version.name} {version.number}"):
            operation = self._service.deploy_model(
                endpoint=endpoint.name,
                deployed_model=v1.DeployedModel(
                    model=path, display_name=version.name, dedicated_resources=resources
                ),
                traffic_split=split,
            )
            return str(operation.result(timeout=DEPLOY_SECONDS).deployed_model.id)

    def _until_answered(self, name: str, new: str, model: str) -> None:
        """Ask until the version itself has given a prediction.

        Raises:
            RemoteError: it failed, or none of many requests reached it.
        """
        instance = struct_pb2.Value(string_value=PROBE)
        with reaching(f"ask {model} for a first prediction"):
            for _ in range(PROBES):
                answer = self._prediction.predict(endpoint=name, instances=[instance], **patient())
                if answer.deployed_model_id == new:
                    prediction = json_format.MessageToDict(v1.PredictResponse.pb(answer))
                    if "entities" in prediction["predictions"][0]:
                        return
                    break
        raise RemoteError(f"{model} gave no prediction; the traffic is as it was before.")

    def _split(self, name: str, split: dict[str, int]) -> None:
        with reaching("share out the traffic"):
            self._service.update_endpoint(
                endpoint=v1.Endpoint(name=name, traffic_split=split),
                update_mask={"paths": ["traffic_split"]},
                **patient(),
            )

    def _remove(self, name: str, deployed: str, split: dict[str, int]) -> None:
        """Take a version away after the traffic has gone back to the others."""
        if split:
            self._split(name, {**split, deployed: 0})
        self._undeploy(name, deployed, split)

    def _undeploy(self, name: str, deployed: str, split: dict[str, int]) -> None:
        with reaching(f"undeploy {deployed}"):
            self._service.undeploy_model(
                endpoint=name, deployed_model_id=deployed, traffic_split=split
            ).result(timeout=DEPLOY_SECONDS)


def label(deployed: Any) -> str:
    """A deployed model as NAME@VERSION."""
    name = deployed.model.rpartition("/")[2].partition("@")[0]
    return f"{name}@{deployed.model_version_id}"


def shared(split: dict[str, int], percent: int) -> dict[str, int]:
    """Scale shares so that they sum to `percent`, whole numbers, in their proportions."""
    whole = sum(split.values())
    exact = {id: traffic * percent / whole for id, traffic in split.items()} if whole else {}
    scaled = {id: int(traffic) for id, traffic in exact.items()}
    # Of equal remainders the smaller share is rounded up: the service gives shares in any order.
    by_remainder = sorted(exact, key=lambda id: (scaled[id] - exact[id], split[id], id))
    for id in by_remainder[: percent - sum(scaled.values())]:
        scaled[id] += 1
    return scaled
