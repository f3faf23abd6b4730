"""What accounts may do: whoever asks, and the one that tasks run as. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.api_core import exceptions

from components.errors import ConfigError, RemoteError
from components.google_cloud import Place, reaching
from pipelines.services.finding import NotSeenError

# Permission of whoever submits -> the role of docs/setup-gcp.md that carries it.
ON_PROJECT = {
    "aiplatform.pipelineJobs.create": "roles/aiplatform.user",
    "aiplatform.pipelineJobs.cancel": "roles/aiplatform.user",
    "aiplatform.schedules.create": "roles/aiplatform.user",
    "aiplatform.models.update": "roles/aiplatform.user",
    "storage.buckets.list": "roles/storage.bucketViewer",
    "serviceusage.quotas.get": "roles/serviceusage.serviceUsageViewer",
    "logging.logEntries.list": "roles/logging.viewer",
}
ON_BUCKET = {
    "storage.objects.get": "roles/storage.objectViewer",
    "storage.objects.list": "roles/storage.objectViewer",
}
# Role of the runs' account -> wider ones that also carry it.
RUNNER_ON_PROJECT: dict[str, tuple[str, ...]] = {
    "roles/aiplatform.user": ("roles/aiplatform.admin", "roles/editor", "roles/owner"),
    "roles/logging.logWriter": ("roles/logging.admin", "roles/editor", "roles/owner"),
}
RUNNER_ON_BUCKET: dict[str, tuple[str, ...]] = {
    "roles/storage.objectUser": ("roles/storage.objectAdmin", "roles/storage.admin"),
}
MANAGER, STORAGE = "cloudresourcemanager.googleapis.com", "storage.googleapis.com"


def own_access(place: Place, bucket: str) -> str:
    """These credentials may submit, schedule, promote and look at everything.

    Raises:
        ConfigError: a permission is missing; the message has the command that gives it.
    """
    wanted = {"permissions": [*ON_PROJECT]}
    with reaching(f"ask what you may do in {place.project}"):
        path = f"/v1/projects/{place.project}:testIamPermissions"
        granted = place.request("POST", MANAGER, path, json=wanted).get("permissions", [])
        query = [("permissions", permission) for permission in ON_BUCKET]
        path = f"/storage/v1/b/{bucket}/iam/testPermissions"
        on_bucket = place.request("GET", STORAGE, path, params=query).get("permissions", [])
    commands = [
        *(on_project(place, role) for role in roles_without(ON_PROJECT, granted)),
        *(on_a_bucket(bucket, role) for role in roles_without(ON_BUCKET, on_bucket)),
    ]
    if commands:
        raise ConfigError(
            "you lack permissions. Somebody who may has to run, with you as MEMBER "
            f"(user:you@example.org): {'; '.join(commands)}"
        )
    return "you may submit, schedule, promote, and read logs, quotas and models"


def runner_access(place: Place, bucket: str, email: str) -> str:
    """The account that the tasks run as has the roles that they need.

    Only who may read the policies can look; who may not is told how somebody else looks.

    Raises:
        ConfigError: a role is missing; the message has the command that gives it.
        NotSeenError: these credentials may not read the policies.
    """
    member = f"serviceAccount:{email}"
    path = f"/v1/projects/{place.project}:getIamPolicy"
    try:
        with reaching(f"read the policy of {place.project}"):
            project = place.request("POST", MANAGER, path, json={})
        with reaching(f"read the policy of gs://{bucket}"):
            on_bucket = place.request("GET", STORAGE, f"/storage/v1/b/{bucket}/iam")
    except RemoteError as error:
        if not isinstance(error.__cause__, exceptions.Forbidden):
            raise
        raise NotSeenError(
            "not checked, since you may not read the policies; who may can run: gcloud projects "
            f"get-iam-policy {place.project} --flatten=bindings --filter=bindings.members={member}"
        ) from None
    commands = [
        *(
            on_project(place, role)
            for role in lacking(RUNNER_ON_PROJECT, roles_of(project, member))
        ),
        *(
            on_a_bucket(bucket, role)
            for role in lacking(
                RUNNER_ON_BUCKET, [*roles_of(on_bucket, member), *roles_of(project, member)]
            )
        ),
    ]
    if commands:
        text = "; ".join(commands).replace("MEMBER", member)
        raise ConfigError(f"{email} lacks roles. Somebody who may has to run: {text}")
    return f"{email} may run tasks, write logs and use the bucket"


def roles_without(needed: Mapping[str, str], granted: Iterable[str]) -> list[str]:
    """The roles that would give the permissions that are missing."""
    there = {*granted}
    return sorted({role for permission, role in needed.items() if permission not in there})


def lacking(needed: Mapping[str, Sequence[str]], roles: Iterable[str]) -> list[str]:
    """The needed roles that none of these carries."""
    there = {*roles}
    return [role for role, wider in needed.items() if there.isdisjoint({role, *wider})]


def roles_of(policy: Mapping[str, Any], member: str) -> list[str]:
    """The roles that a policy gives to a member by name."""
    bindings = policy.get("bindings", [])
    return [binding["role"] for binding in bindings if member in binding.get("members", [])]


def on_project(place: Place, role: str) -> str:
    """The command that gives MEMBER a role in the project."""
    return f"gcloud projects add-iam-policy-binding {place.project} --member=MEMBER --role={role}"


def on_a_bucket(bucket: str, role: str) -> str:
    """The command that gives MEMBER a role on a bucket."""
    return (
        f"gcloud storage buckets add-iam-policy-binding gs://{bucket} --member=MEMBER --role={role}"
    )
