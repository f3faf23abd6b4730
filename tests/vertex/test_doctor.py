"""`retrain doctor` names what is missing, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config.load import load
from pipelines.services.vertex.quota import gpus_at_a_time, metric_of
from tests.support.service import Fault
from tests.vertex.conftest import commit_all
from tests.vertex.double import Double


def doctor(config: Path) -> tuple[int, dict[str, str]]:
    """The exit code, and the message of every check that found something missing."""
    code, findings = checked(config)
    return code, {
        check: each["message"] for check, each in findings.items() if each["passed"] is False
    }


def unknown(config: Path) -> dict[str, str]:
    """The message of every check that could not look; nothing is missing."""
    code, findings = checked(config)
    assert code == 0
    return {check: each["message"] for check, each in findings.items() if each["passed"] is None}


def checked(config: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and every finding by its check."""
    result = CliRunner().invoke(app, ["doctor", str(config), "--json"], catch_exceptions=False)
    findings = json.loads(result.stdout)
    assert len(findings) == 10
    return result.exit_code, {each["check"]: each for each in findings}


@pytest.fixture
def on_gpus(config: Path) -> Path:
    """The config with a T4 for each of its two phases."""
    text = config.read_text(encoding="utf-8")
    machine = "  compute: {train: {machine: n1-standard-8, accelerator: NVIDIA_TESLA_T4}}\n"
    config.write_text(text.replace("phases:\n", f"{machine}phases:\n"), encoding="utf-8")
    commit_all(config.parent)
    return config


def test_nothing_is_missing_and_nothing_is_changed(double: Double, on_gpus: Path) -> None:
    assert doctor(on_gpus) == (0, {})
    assert not any(each.startswith(("PATCH", "DELETE")) for each in double.requests)
    assert double.jobs.by_name == {}
    result = CliRunner().invoke(app, ["doctor", str(on_gpus)])
    assert "ok       GPU quota: 2 NVIDIA_TESLA_T4" in result.stdout


def test_everything_that_is_missing_is_named(
    double: Double, on_gpus: Path, bucket: storage.Bucket
) -> None:
    double.project.accounts.clear()
    del double.project.images["my-project/retrain/gpu:0123abc"]
    double.project.quotas.clear()
    bucket.delete(force=True)
    on_gpus.write_text(on_gpus.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    code, missing = doctor(on_gpus)
    assert code == 5
    assert "demo.yaml is not committed" in missing["config can be traced"]
    assert "there is no bucket" in missing["bucket"]
    assert "there is no retrain@my-project" in missing["service account"]
    assert "gpu:0123abc is not there" in missing["images"]
    assert "2 NVIDIA_TESLA_T4 are needed at the same time" in missing["GPU quota"]
    quota = missing["GPU quota"]
    assert "us-central1 allows 1. Ask for more, which" in quota
    named = "--service=aiplatform.googleapis.com --project=my-project"
    assert f"gcloud quotas preferences create {named} --quota-id=$(gcloud quotas info" in quota
    metric = "aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus"
    assert f"list {named} --filter=metric={metric} --format='value(quotaId)')" in quota
    assert "--dimensions=region=us-central1 --preferred-value=2 --email=" in quota
    assert f"gcloud storage buckets create gs://{bucket.name} " in missing["bucket"]
    assert "gcloud iam service-accounts create retrain " in missing["service account"]
    assert "Vertex AI answers" not in missing


def test_apis_and_permissions_that_are_missing_come_with_the_command_that_gives_them(
    double: Double, config: Path, bucket: storage.Bucket
) -> None:
    double.project.disabled = {"compute.googleapis.com"}
    double.project.denied = {"aiplatform.schedules.create", "storage.objects.get"}
    double.project.roles = {"project": {"roles/aiplatform.user"}, "bucket": set()}
    code, missing = doctor(config)
    assert code == 5
    assert missing.keys() == {"APIs", "your roles", "its roles"}
    enable = "gcloud services enable compute.googleapis.com --project=my-project"
    assert missing["APIs"].endswith(enable)
    member = "serviceAccount:retrain@my-project.iam.gserviceaccount.com"
    project = "gcloud projects add-iam-policy-binding my-project --member="
    on_bucket = f"gcloud storage buckets add-iam-policy-binding gs://{bucket.name} --member="
    assert f"{project}MEMBER --role=roles/aiplatform.user" in missing["your roles"]
    assert f"{on_bucket}MEMBER --role=roles/storage.objectViewer" in missing["your roles"]
    assert f"{project}{member} --role=roles/logging.logWriter" in missing["its roles"]
    assert f"{on_bucket}{member} --role=roles/storage.objectUser" in missing["its roles"]
    assert "roles/aiplatform.user" not in missing["its roles"]


def test_policies_that_one_may_not_read_are_neither_there_nor_missing(
    double: Double, config: Path
) -> None:
    double.project.readable = False
    findings = unknown(config)
    assert findings.keys() == {"its roles"}
    assert "who may can run: gcloud projects get-iam-policy my-project" in findings["its roles"]
    said = CliRunner().invoke(app, ["doctor", str(config)]).stdout
    assert "UNKNOWN  its roles: not checked, since you may not read the policies" in said


def test_a_quota_without_a_limit_is_enough(double: Double, on_gpus: Path) -> None:
    double.project.quotas["custom_model_training_nvidia_t4_gpus"] = {"us-central1": -1}
    assert doctor(on_gpus) == (0, {})


def test_an_accelerator_that_has_no_quota_is_neither_allowed_nor_refused(
    double: Double, on_gpus: Path
) -> None:
    text = on_gpus.read_text(encoding="utf-8")
    on_gpus.write_text(text.replace("NVIDIA_TESLA_T4", "TPU_V9"), encoding="utf-8")
    commit_all(on_gpus.parent)
    findings = unknown(on_gpus)
    assert "Vertex AI has no quota custom_model_training_tpu_v9_gpus" in findings["GPU quota"]


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("retention_period", 3600, "a retention policy: gcloud storage buckets update gs://"),
        ("default_event_based_hold", True, "a default hold: gcloud"),
        ("requester_pays", True, "requester pays: gcloud"),
    ],
)
def test_a_bucket_that_a_mount_cannot_write_to_is_named(
    double: Double,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    attribute: str,
    value: Any,
    said: str,
) -> None:
    # The emulator of Cloud Storage keeps none of these.
    monkeypatch.setattr(storage.Bucket, attribute, property(lambda _self: value))
    code, missing = doctor(config)
    assert (code, [*missing]) == (5, ["mount under /gcs"])
    assert said in missing["mount under /gcs"]


def test_an_image_of_another_user_may_or_may_not_write_where_a_bucket_is_mounted(
    double: Double, config: Path
) -> None:
    double.project.images["my-project/retrain/gpu:0123abc"] = "10001:10001"
    findings = unknown(config)
    assert findings.keys() == {"mount under /gcs"}
    assert "/gpu:0123abc runs as 10001. Under /gcs all files" in findings["mount under /gcs"]


def test_images_that_one_may_not_look_for_come_with_the_command(
    double: Double, config: Path
) -> None:
    double.project.denied = {"artifactregistry.repositories.downloadArtifacts"}
    message = doctor(config)[1]["images"]
    assert (
        "gcloud artifacts repositories add-iam-policy-binding retrain --project=my-pro" in message
    )
    assert message.endswith(
        "--location=europe --member=MEMBER --role=roles/artifactregistry.reader"
    )


def test_images_of_another_project_may_or_may_not_be_pulled(double: Double, config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("dev/my-project/", "dev/images-of-all/"), encoding="utf-8")
    commit_all(config.parent)
    for kind in ("cpu", "gpu"):
        double.project.images[f"images-of-all/retrain/{kind}:0123abc"] = ""
    findings = unknown(config)
    assert "in the project images-of-all" in findings["images"]
    assert "@gcp-sa-aiplatform.iam.gserviceaccount.com --role=roles/artifact" in findings["images"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], {"NVIDIA_TESLA_T4": 2}),
        (["parallel=false"], {"NVIDIA_TESLA_T4": 1}),
        (
            ["phases.phase-1.compute.train.spot=true"],
            {"NVIDIA_TESLA_T4 (spot)": 1, "NVIDIA_TESLA_T4": 1},
        ),
    ],
    ids=["side by side", "taking turns", "one on spot"],
)
def test_gpus_are_counted_as_the_phases_use_them(
    on_gpus: Path, settings: list[str], expected: dict[str, int]
) -> None:
    assert gpus_at_a_time(load(on_gpus, settings).pipeline) == expected


def test_a_spot_gpu_has_a_quota_of_its_own() -> None:
    assert metric_of("NVIDIA_TESLA_T4 (spot)") == "custom_model_training_preemptible_nvidia_t4_gpus"


def test_an_account_that_one_may_not_use_is_named(double: Double, config: Path) -> None:
    double.project.accounts = dict.fromkeys(double.project.accounts, False)
    assert "roles/iam.serviceAccountUser" in doctor(config)[1]["service account"]


def test_a_service_that_refuses_is_one_finding(double: Double, config: Path) -> None:
    double.faults = [Fault("pipelineJobs", status=403, times=100)]
    code, missing = doctor(config)
    assert code == 5
    assert list(missing) == ["Vertex AI answers"]
    assert "permission denied" in missing["Vertex AI answers"]


def test_another_registry_never_sees_our_credentials(double: Double, config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("europe-docker.pkg.dev/", "example.org/"), encoding="utf-8")
    commit_all(config.parent)
    findings = unknown(config)
    assert findings.keys() == {"images", "mount under /gcs"}
    assert (
        "docker manifest inspect example.org/my-project/retrain/cpu:0123abc" in findings["images"]
    )
    assert double.sent("GET", "/manifests/") == []
