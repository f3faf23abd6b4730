"""What a project has beside Vertex AI: APIs, policies, a service account, images, quotas."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from tests.support.service import ApiError
from tests.vertex.rules import require

OCI = "application/vnd.oci.image."
DIGEST = f"sha256:{'d' * 64}"
CONFIG = {"mediaType": f"{OCI}config.v1+json", "digest": f"sha256:{'c' * 64}"}


class Project:
    """Answers for other services of Google Cloud, as `retrain doctor` asks them.

    Attributes:
        disabled: names of APIs.
        denied: permissions that the caller lacks.
        readable: whether the caller may read policies.
        roles: of the runs' account, on the project and on the bucket.
        images: PROJECT/REPOSITORY/IMAGE:TAG -> the user that it runs as.
    """

    def __init__(self) -> None:
        self.disabled: set[str] = set()
        self.denied: set[str] = set()
        self.readable = True
        self.roles = {
            "project": {"roles/aiplatform.user", "roles/logging.logWriter"},
            "bucket": {"roles/storage.objectUser"},
        }
        self.accounts = {"retrain@my-project.iam.gserviceaccount.com": True}
        self.images = dict.fromkeys(
            ("my-project/retrain/cpu:0123abc", "my-project/retrain/gpu:0123abc"), ""
        )
        self.quotas = {"custom_model_training_nvidia_t4_gpus": {"us-central1": 2}}

    def may_act_as(self, email: str, _query: str, body: bytes) -> Any:
        """Whether the caller may run tasks as an account."""
        wanted = json.loads(body)["permissions"]
        require(wanted == ["iam.serviceAccounts.actAs"], f"permissions {wanted}.")
        if email not in self.accounts:
            raise ApiError(404, f"Unknown service account {email}.")
        return {"permissions": wanted} if self.accounts[email] else {}

    def services(self, project: str, query: str, _body: bytes) -> Any:
        """The state of each API that is named."""
        names = parse_qs(query)["names"]
        require(all(name.startswith(f"projects/{project}/services/") for name in names), "names.")
        states = {True: "DISABLED", False: "ENABLED"}
        return {
            "services": [
                {"name": name, "state": states[name.rpartition("/")[2] in self.disabled]}
                for name in names
            ]
        }

    def may_in_project(self, _project: str, _query: str, body: bytes) -> Any:
        """Which of these permissions the caller has."""
        wanted = json.loads(body)["permissions"]
        return {"permissions": [each for each in wanted if each not in self.denied]}

    def may_in_bucket(self, _bucket: str, query: str, _body: bytes) -> Any:
        """Which of these permissions on objects the caller has."""
        wanted = parse_qs(query)["permissions"]
        return {"permissions": [each for each in wanted if each not in self.denied]}

    def project_policy(self, _project: str, _query: str, _body: bytes) -> Any:
        """Who has which role in the project."""
        return self._policy("project")

    def bucket_policy(self, _bucket: str, _query: str, _body: bytes) -> Any:
        """Who has which role on the bucket."""
        return self._policy("bucket")

    def _policy(self, of: str) -> Any:
        if not self.readable:
            raise ApiError(403, f"getIamPolicy of the {of} denied.")
        members = [f"serviceAccount:{email}" for email in self.accounts]
        return {"bindings": [{"role": role, "members": members} for role in self.roles[of]]}

    def manifest(self, image: str, reference: str, _query: str, _body: bytes) -> Any:
        """The index of an image for several machines, and at its digest the manifest of one."""
        if "artifactregistry.repositories.downloadArtifacts" in self.denied:
            raise ApiError(403, "DENIED")
        if reference == DIGEST:
            return {"schemaVersion": 2, "mediaType": f"{OCI}manifest.v1+json", "config": CONFIG}
        if f"{image}:{reference}" not in self.images:
            raise ApiError(404, "MANIFEST_UNKNOWN")
        machines = [{"os": "linux", "architecture": kind} for kind in ("arm64", "amd64")]
        listed = [
            {
                "digest": DIGEST if machine["architecture"] == "amd64" else "sha256:0",
                "platform": machine,
            }
            for machine in machines
        ]
        return {"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json", "manifests": listed}

    def blob(self, image: str, digest: str, _query: str, _body: bytes) -> Any:
        """The config of an image."""
        require(digest == CONFIG["digest"], f"blob {digest}.")
        (user,) = {user for name, user in self.images.items() if name.startswith(f"{image}:")}
        return {"os": "linux", "config": {"User": user, "WorkingDir": "/app"}}

    def quota(self, metric: str, _query: str, _body: bytes) -> Any:
        """The limits of a quota: one of every region, and others of single regions."""
        name = metric.removeprefix("aiplatform.googleapis.com/")
        known = r"custom_model_training_(preemptible_)?nvidia_\w+_gpus"
        if not re.fullmatch(known, name):
            raise ApiError(404, f"Quota metric {metric} not found.")
        buckets = [{"effectiveLimit": "1", "defaultLimit": "1"}]
        for region, limit in self.quotas.get(name, {}).items():
            buckets.append({"effectiveLimit": str(limit), "dimensions": {"region": region}})
        return {"consumerQuotaLimits": [{"quotaBuckets": buckets}]}
