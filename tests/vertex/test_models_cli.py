"""`retrain models --where vertex` and `retrain deploy`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.cloud import storage
from typer.testing import CliRunner

from components.errors import ConfigError, RemoteError
from components.registry.open import open_registry
from components.registry.promotion import add_and_promote
from pipelines.cli import app
from tests.support.service import Fault
from tests.vertex.conftest import MakeArtefact
from tests.vertex.double import Double

IMAGE = "europe-docker.pkg.dev/my-project/retrain/serve:0123abc"
NAME = "ner-phase-1"


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def there(double: Double, config: Path, bucket: storage.Bucket, artefact: MakeArtefact) -> Path:
    """The config, with two versions of its model in the registry; the first is in production."""
    registry = open_registry(f"vertex://my-project/us-central1/{bucket.name}/models", IMAGE)
    add_and_promote(registry, NAME, "champion", artefact("pound", f=0.8))
    add_and_promote(registry, NAME, "champion", artefact("euro", decision="hold", f=0.9))
    return config


def models(command: str, *arguments: str, config: Path) -> str:
    return retrain("models", command, *arguments, "--where", "vertex", "--config", config)


def champion(config: Path) -> str:
    """The number of the version in production."""
    version: str = json.loads(models("show", NAME, "--json", config=config))["version"]
    return version


def test_list_show_and_compare(there: Path) -> None:
    listed = json.loads(models("list", "--json", config=there))
    assert [(each["version"], each["aliases"]) for each in listed] == [
        ("1", ["champion"]),
        ("2", ["candidate"]),
    ]
    assert "demo-pound-1" in models("list", NAME, config=there)
    assert "gate" in models("show", NAME, "2", config=there)
    assert "+10.0" in models("compare", NAME, "champion", "2", config=there)


def test_promote_and_roll_back_move_the_alias_and_delete_nothing(
    there: Path, double: Double
) -> None:
    said = models("promote", NAME, "2", config=there)
    assert said.startswith(f"champion of {NAME} is version 2 (gs://")
    assert champion(there) == "2"
    said = models("rollback", NAME, config=there)
    assert f"Version 2 of {NAME} is withdrawn and kept." in said
    assert champion(there) == "1"
    assert double.sent("DELETE") == []


@pytest.mark.parametrize(
    "fault",
    [{"status": 503, "times": 1000}, {"status": 403}, {"drop": "after", "times": 1000}],
    ids=["unavailable", "forbidden", "dropped after"],
)
def test_under_a_fault_a_promotion_can_be_repeated(
    there: Path, double: Double, fault: dict[str, object]
) -> None:
    double.faults = [Fault(":mergeVersionAliases$", **fault)]  # type: ignore[arg-type]
    with pytest.raises(RemoteError):
        models("promote", NAME, "2", config=there)
    double.faults = []
    models("promote", NAME, "2", config=there)
    assert champion(there) == "2"
    models("rollback", NAME, config=there)
    assert champion(there) == "1"


def test_what_there_is_not_is_named(there: Path) -> None:
    with pytest.raises(ConfigError, match=f"'{NAME}' has no version, alias or run '7'"):
        models("show", NAME, "7", config=there)
    with pytest.raises(ConfigError, match="its target is not kubeflow: use --where vertex"):
        retrain("models", "list", "--where", "kubeflow", "--config", there)


def deploy(config: Path, model: str, *options: str) -> str:
    return retrain("deploy", model, "--endpoint", "guidance", "--config", config, *options)


def test_a_canary_and_then_all_the_traffic(there: Path, double: Double) -> None:
    assert deploy(there, NAME) == f"guidance serves {NAME}@1 100%\n"
    said = deploy(there, f"{NAME}@2", "--traffic", "10")
    assert said.startswith(f"guidance serves {NAME}@1 90%, {NAME}@2 10%\nNext, when it does well:")

    double.requests.clear()
    done = json.loads(deploy(there, f"{NAME}@2", "--json"))

    assert (done["traffic"], done["removed"]) == ({f"{NAME}@2": 100}, [f"{NAME}@1"])
    assert double.sent("POST", ":deployModel") == []
    assert len(double.sent("POST", ":undeployModel")) == 1
    assert done == {**json.loads(deploy(there, f"{NAME}@2", "--json")), "removed": [f"{NAME}@1"]}


def test_the_old_goes_only_after_the_new_has_answered(there: Path, double: Double) -> None:
    deploy(there, NAME)
    double.requests.clear()
    assert f"no longer deployed: {NAME}@1" in deploy(there, f"{NAME}@2")
    acts = [each.rpartition(":")[2] for each in double.requests if ":" in each]
    assert acts.index("deployModel") < acts.index("predict") < acts.index("undeployModel")


def test_a_version_that_does_not_answer_is_taken_away(there: Path, double: Double) -> None:
    deploy(there, NAME)
    [endpoint] = double.endpoints.by_name.values()
    [first] = endpoint.deployed_models
    double.endpoints.mute.add(f"{first.model.partition('@')[0]}@2")
    with pytest.raises(RemoteError, match=f"ask {NAME}@2 for a first prediction"):
        deploy(there, f"{NAME}@2")
    assert [each.model_version_id for each in endpoint.deployed_models] == ["1"]
    assert list(endpoint.traffic_split.values()) == [100]


@pytest.mark.parametrize("request_", [":deployModel$", ":undeployModel$", r"^PATCH .*/endpoints/"])
@pytest.mark.parametrize(
    "fault",
    [{"status": 503, "times": 1000}, {"status": 403}, {"drop": "after"}, {"drop": "before"}],
    ids=["unavailable", "forbidden", "dropped after", "dropped before"],
)
def test_after_a_fault_the_same_command_ends_with_one_version_deployed(
    there: Path, double: Double, request_: str, fault: dict[str, object]
) -> None:
    deploy(there, NAME)
    double.faults = [Fault(request_, **fault)]  # type: ignore[arg-type]
    try:
        deploy(there, f"{NAME}@2")
    except RemoteError as error:
        assert str(error)
    double.faults = []

    assert deploy(there, f"{NAME}@2").startswith(f"guidance serves {NAME}@2 100%")

    [endpoint] = double.endpoints.by_name.values()
    assert [each.model_version_id for each in endpoint.deployed_models] == ["2"]
