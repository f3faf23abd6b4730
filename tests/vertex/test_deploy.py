"""`retrain deploy`: a new version behind an endpoint, and the old one only then gone."""

from __future__ import annotations

import pytest
from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format

from components.errors import RemoteError
from components.google_cloud import Place
from components.registry.base import Version
from components.registry.lineage import Lineage
from pipelines.services.vertex.endpoints import Deployment, Endpoints, shared
from tests.support.service import Fault
from tests.vertex.double import Double, by_number

PLACE = Place("my-project", "us-central1")
IMAGE = "europe-docker.pkg.dev/my-project/retrain/serve:0123abc"


@pytest.fixture
def versions(double: Double) -> list[Version]:
    """Three versions of one model that are registered with a serving image."""
    return [registered(double, number) for number in ("1", "2", "3")]


def registered(double: Double, number: str) -> Version:
    first = number == "1"
    path = by_number(f"{PLACE.name}/models/ner")
    request = v1.UploadModelRequest(
        model=v1.Model(
            display_name="ner",
            artifact_uri="gs://bucket/ner",
            container_spec={
                "image_uri": IMAGE,
                "predict_route": "/predict",
                "health_route": "/health",
                "ports": [{"container_port": 8080}],
            },
        ),
        model_id="ner" if first else "",
        parent_model="" if first else path,
    )
    body = json_format.MessageToJson(v1.UploadModelRequest.pb(request)).encode()
    double.models.upload(by_number(PLACE.name), "", body)
    lineage = Lineage(digest="d", run="r", created="now", decision="promote", scores={})
    return Version("ner", number, "gs://b/ner", (), "a", lineage, lineage)


def deploy(version: Version, traffic: int = 100) -> Deployment:
    return Endpoints(PLACE).deploy(version, "guidance", traffic, "n1-standard-4")


def test_the_first_version_makes_the_endpoint_and_gets_everything(
    double: Double, versions: list[Version]
) -> None:
    done = deploy(versions[0], traffic=10)
    assert (done.traffic, done.removed) == ({"ner@1": 100}, [])
    assert [each.display_name for each in double.endpoints.by_name.values()] == ["guidance"]


def test_a_canary_takes_its_share_from_the_others(versions: list[Version]) -> None:
    deploy(versions[0])
    assert deploy(versions[1], traffic=10).traffic == {"ner@1": 90, "ner@2": 10}
    assert deploy(versions[2], traffic=25).traffic == {"ner@1": 67, "ner@2": 8, "ner@3": 25}


def test_the_old_goes_only_after_the_new_has_answered(
    double: Double, versions: list[Version]
) -> None:
    deploy(versions[0])
    double.requests.clear()
    done = deploy(versions[1])
    assert (done.traffic, done.removed) == ({"ner@2": 100}, ["ner@1"])
    acts = [each.rpartition(":")[2] for each in double.requests if ":" in each]
    assert acts.index("deployModel") < acts.index("predict") < acts.index("undeployModel")


def test_again_changes_nothing(double: Double, versions: list[Version]) -> None:
    deploy(versions[0])
    first = deploy(versions[1], traffic=10)
    assert deploy(versions[1], traffic=10) == first
    assert len(double.sent("POST", ":deployModel")) == 2


def test_a_canary_that_did_well_gets_everything(versions: list[Version]) -> None:
    deploy(versions[0])
    deploy(versions[1], traffic=10)
    done = deploy(versions[1])
    assert (done.traffic, done.removed) == ({"ner@2": 100}, ["ner@1"])


def test_a_version_that_does_not_answer_is_taken_away(
    double: Double, versions: list[Version]
) -> None:
    before = deploy(versions[0])
    double.endpoints.mute.add(by_number(f"{PLACE.name}/models/ner@2"))
    with pytest.raises(RemoteError, match="ask ner@2 for a first prediction"):
        deploy(versions[1])
    [endpoint] = double.endpoints.by_name.values()
    assert [each.model_version_id for each in endpoint.deployed_models] == ["1"]
    assert list(endpoint.traffic_split.values()) == [100]
    double.endpoints.mute.clear()
    assert deploy(versions[0]) == before


def test_a_first_version_that_does_not_answer_leaves_an_empty_endpoint(
    double: Double, versions: list[Version]
) -> None:
    double.endpoints.mute.add(by_number(f"{PLACE.name}/models/ner@1"))
    with pytest.raises(RemoteError):
        deploy(versions[0])
    [endpoint] = double.endpoints.by_name.values()
    assert not endpoint.deployed_models


def test_passing_faults_are_waited_out(double: Double, versions: list[Version]) -> None:
    deploy(versions[0])
    double.faults = [Fault(":predict", status=503, times=2), Fault("^GET", status=429, times=2)]
    assert deploy(versions[1]).traffic == {"ner@2": 100}


@pytest.mark.parametrize(
    ("split", "percent", "expected"),
    [
        ({}, 0, {}),
        ({"a": 100}, 90, {"a": 90}),
        ({"a": 33, "b": 33, "c": 34}, 90, {"a": 30, "b": 30, "c": 30}),
        ({"a": 50, "b": 50}, 1, {"a": 1, "b": 0}),
        ({"a": 90, "b": 10}, 0, {"a": 0, "b": 0}),
    ],
)
def test_shares_are_whole_and_sum_up(
    split: dict[str, int], percent: int, expected: dict[str, int]
) -> None:
    assert shared(split, percent) == expected
