"""What a project has beside Vertex AI: a service account, images, quotas."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.service import ApiError
from tests.vertex.rules import require


class Project:
    """Answers for IAM, Artifact Registry and Service Usage, as `retrain doctor` asks them."""

    def __init__(self) -> None:
        self.accounts = {"retrain@my-project.iam.gserviceaccount.com": True}
        self.images = {"my-project/retrain/cpu:0123abc", "my-project/retrain/gpu:0123abc"}
        self.quotas = {"custom_model_training_nvidia_t4_gpus": {"us-central1": 2}}

    def may_act_as(self, email: str, _query: str, body: bytes) -> Any:
        """Whether the caller may run tasks as an account."""
        wanted = json.loads(body)["permissions"]
        require(wanted == ["iam.serviceAccounts.actAs"], f"permissions {wanted}.")
        if email not in self.accounts:
            raise ApiError(404, f"Unknown service account {email}.")
        return {"permissions": wanted} if self.accounts[email] else {}

    def manifest(self, image: str, reference: str, _query: str, _body: bytes) -> Any:
        """The manifest of an image."""
        if f"{image}:{reference}" not in self.images:
            raise ApiError(404, "MANIFEST_UNKNOWN")
        return {"schemaVersion": 2}

    def quota(self, metric: str, _query: str, _body: bytes) -> Any:
        """The limits of a quota: one of every region, and others of single regions."""
        name = metric.removeprefix("aiplatform.googleapis.com/")
        require(re.fullmatch(r"custom_model_training_nvidia_\w+_gpus", name), f"metric {name}.")
        buckets = [{"effectiveLimit": "1", "defaultLimit": "1"}]
        for region, limit in self.quotas.get(name, {}).items():
            buckets.append({"effectiveLimit": str(limit), "dimensions": {"region": region}})
        return {"consumerQuotaLimits": [{"quotaBuckets": buckets}]}
