"""`retrain doctor` on Kubeflow Pipelines: its version, and the volume as Kubernetes knows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud import storage
from typer.testing import CliRunner

from pipelines.cli import app
from tests.kubeflow.double import Double
from tests.support.service import ApiError, Service
from tests.vertex.conftest import commit_all


class Kubernetes(Service):
    """The API server of a cluster with one claim in one namespace.

    Attributes:
        claim: what it answers of `retrain-models`; None where there is none.
        labels: of the namespace.
    """

    def __init__(self) -> None:
        self.claim: dict[str, Any] | None = {
            "spec": {"accessModes": ["ReadWriteMany"]},
            "status": {"phase": "Bound"},
        }
        self.labels: dict[str, str] = {}
        super().__init__()

    def act(self, method: str, path: str, query: str, body: bytes) -> str:
        namespace = "/api/v1/namespaces/kubeflow"
        if (method, path) == ("GET", namespace):
            return json.dumps({"metadata": {"name": "kubeflow", "labels": self.labels}})
        if (method, path) == ("GET", f"{namespace}/persistentvolumeclaims/retrain-models"):
            if self.claim is None:
                raise ApiError(404, 'persistentvolumeclaims "retrain-models" not found')
            return json.dumps(self.claim)
        raise ApiError(403, f"{method} {path}")

    def error(self, error: ApiError) -> str:
        return json.dumps({"kind": "Status", "code": int(error.code), "message": error.message})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Kubernetes]:
    """A cluster that a kubeconfig names."""
    service = Kubernetes()
    file = tmp_path / "kubeconfig"
    named = {
        "clusters": [{"name": "c", "cluster": {"server": service.url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "our-cluster", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "our-cluster",
    }
    file.write_text(yaml.safe_dump(named), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(file))
    yield service
    service.close()


def doctor(config: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and every finding by its check."""
    result = CliRunner().invoke(app, ["doctor", str(config), "--json"], catch_exceptions=False)
    return result.exit_code, {each["check"]: each for each in json.loads(result.stdout)}


@pytest.mark.parametrize(
    ("tag", "passed", "said"),
    [
        (
            "2.4.1",
            False,
            "is Kubeflow Pipelines 2.4.1; 2.5.0 is needed. It lacks retries, and the volume's",
        ),
        ("2.2.0", False, "limits of CPU and memory, and a place to write"),
        ("2.5.0", True, "2.5.0"),
        ("sha-0123abc", None, "so nothing is known; 2.5.0 is needed. Look with: kubectl get"),
    ],
)
def test_what_an_old_cluster_lacks_is_said(
    double: Double,
    cluster: Kubernetes,
    config: Path,
    tag: str,
    passed: bool | None,
    said: str,
) -> None:
    double.tag = tag
    finding = doctor(config)[1]["its version"]
    assert finding["passed"] is passed
    assert said in finding["message"]


def test_everything_is_there_and_nothing_is_changed(
    double: Double, cluster: Kubernetes, config: Path, bucket: storage.Bucket
) -> None:
    code, findings = doctor(config)
    assert code == 0
    assert {each["passed"] for each in findings.values()} == {True}
    assert (
        "retrain-models is in kubeflow of the cluster our-cluster" in findings["volume"]["message"]
    )
    assert double.sent("POST") == []
    assert {request.partition(" ")[0] for request in cluster.requests} == {"GET"}


def test_what_differs_is_named(double: Double, cluster: Kubernetes, config: Path) -> None:
    double.multi_user = True
    config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["doctor", str(config)], catch_exceptions=False)
    assert result.exit_code == 5
    assert "MISSING  config can be traced: " in result.stdout
    assert "MISSING  Kubeflow Pipelines answers: kubeflow.namespace" in result.stdout


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (None, "kubeflow.claim: there is no retrain-models in kubeflow of the cluster our-cluster"),
        (
            {"spec": {"accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Bound"}},
            "is ReadWriteOnce. Tasks run on several nodes",
        ),
    ],
)
def test_a_volume_that_tasks_cannot_share_is_missing(
    double: Double,
    cluster: Kubernetes,
    config: Path,
    claim: dict[str, Any] | None,
    said: str,
) -> None:
    cluster.claim = claim
    code, findings = doctor(config)
    assert (code, findings["volume"]["passed"]) == (5, False)
    assert said in findings["volume"]["message"]


def test_a_namespace_that_forbids_root_says_what_the_volume_then_needs(
    double: Double, cluster: Kubernetes, config: Path
) -> None:
    cluster.labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    code, findings = doctor(config)
    assert (code, findings["volume"]["passed"]) == (0, None)
    assert "fsGroup" in findings["volume"]["message"]
    assert "chown 10001:10001 /retrain" in findings["volume"]["message"]


def test_without_a_kubeconfig_the_volume_is_neither_there_nor_missing(
    double: Double, config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    code, findings = doctor(config)
    assert (code, findings["volume"]["passed"]) == (0, None)
    look = "kubectl get persistentvolumeclaim retrain-models --namespace kubeflow"
    assert look in findings["volume"]["message"]


def test_a_cluster_that_refuses_to_be_looked_at_is_neither(
    double: Double, cluster: Kubernetes, config: Path
) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("claim: retrain-models", "claim: secret"), encoding="utf-8")
    commit_all(config.parent)
    code, findings = doctor(config)
    assert (code, findings["volume"]["passed"]) == (0, None)
    assert "says 403 " in findings["volume"]["message"]
