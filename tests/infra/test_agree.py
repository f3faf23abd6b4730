"""docs/setup-gcp.md, infra/ and `retrain doctor` name the same APIs and give the same roles."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.services.vertex.doctor import SERVICES
from pipelines.services.vertex.iam import ON_BUCKET, ON_PROJECT, RUNNER_ON_BUCKET, RUNNER_ON_PROJECT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/setup-gcp.md").read_text(encoding="utf-8").replace("\\\n", " ")
TERRAFORM = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "infra").glob("*.tf"))
)
# What gcloud and Terraform call the things that roles are given on.
ON = {
    "projects": "google_project",
    "storage buckets": "google_storage_bucket",
    "artifacts repositories": "google_artifact_registry_repository",
    "iam service-accounts": "google_service_account",
}
Grant = tuple[str, str, str]  # who, on what, role


def granted_by_hand() -> set[Grant]:
    """The roles that the page gives."""
    grants = re.finditer(
        r"gcloud (.+) add-iam-policy-binding .*--member=(?:serviceAccount:)?\$(\w+) --role=(\S+)",
        PAGE,
    )
    return {(match[2].lower(), ON[match[1]], match[3]) for match in grants}


def granted_by_terraform() -> set[Grant]:
    """The roles that the files in infra/ give."""
    lists = dict(re.findall(r"(\w+_roles) = (\[[^]]*\])", TERRAFORM))
    blocks = re.findall(
        r'resource "(\w+)_iam_member" "([a-z]+)\w*" \{\n(.*?)\n\}', TERRAFORM, re.DOTALL
    )
    grants = set()
    for kind, who, body in blocks:
        named = [text for name, text in lists.items() if name in body]
        for role in re.findall(r'"(roles/[\w.]+)"', "\n".join([body, *named])):
            grants.add((who, kind, role))
    return grants


def test_page_and_terraform_give_the_same_roles() -> None:
    by_hand = granted_by_hand()
    assert len(by_hand) >= 14
    assert by_hand == granted_by_terraform()


def test_page_and_terraform_enable_the_same_apis() -> None:
    (line,) = re.findall(r"gcloud services enable (.+)", PAGE)
    (block,) = re.findall(r'"google_project_service".*?\]\)', TERRAFORM, re.DOTALL)
    by_hand = set(line.split())
    assert by_hand == set(re.findall(r'"([a-z]+\.googleapis\.com)"', block))
    assert by_hand >= set(SERVICES)


def test_no_account_gets_a_basic_role_or_may_delete_and_impersonate_at_will() -> None:
    roles = {role for _, _, role in granted_by_hand()}
    assert roles.isdisjoint({"roles/owner", "roles/editor", "roles/viewer"})
    assert not [role for role in roles if "dmin" in role or "okenCreator" in role]
    on_accounts = {
        (who, role) for who, on, role in granted_by_hand() if on == ON["iam service-accounts"]
    }
    assert on_accounts == {
        ("submitter", "roles/iam.serviceAccountUser"),
        ("runner", "roles/iam.serviceAccountUser"),
    }


def test_doctor_looks_for_what_the_page_gives() -> None:
    given = {(who, on, role) for who, on, role in granted_by_hand()}
    project, bucket = ON["projects"], ON["storage buckets"]
    assert {("submitter", project, role) for role in ON_PROJECT.values()} <= given
    assert {("submitter", bucket, role) for role in ON_BUCKET.values()} <= given
    assert {("runner", project, role) for role in RUNNER_ON_PROJECT} <= given
    assert {("runner", bucket, role) for role in RUNNER_ON_BUCKET} <= given
