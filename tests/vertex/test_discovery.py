"""What the double lets through is what Google describes, no more."""

from __future__ import annotations

import json

import pytest

from tests.vertex.discovery import deviations

JOBS = "/v1/projects/p/locations/l/pipelineJobs"
GOOD = {"displayName": "demo", "labels": {"a": "b"}, "runtimeConfig": {"failurePolicy": 1}}


def sent(body: object, query: str = "pipelineJobId=demo-1") -> list[str]:
    return deviations("POST", JOBS, query, json.dumps(body).encode())


def test_a_request_as_described_passes() -> None:
    assert sent(GOOD) == []


@pytest.mark.parametrize(
    ("body", "query", "fault"),
    [
        ({"displayNam": "demo"}, "", ".displayNam: unknown field"),
        ({"state": "PIPELINE_STATE_FAILED"}, "", ".state: only the service sets it"),
        ({"displayName": 3}, "", ".displayName: 3 is no string"),
        ({"labels": {"a": 1}}, "", ".labels.a: 1 is no string"),
        ({"runtimeConfig": {"failurePolicy": "SOON"}}, "", "'SOON' is none of"),
        ({"runtimeConfig": {"gcsOutput": "gs://b"}}, "", ".runtimeConfig.gcsOutput: unknown field"),
        (GOOD, "jobId=1", "?jobId: unknown"),
    ],
)
def test_a_planted_fault_is_found(body: object, query: str, fault: str) -> None:
    (deviation,) = sent(body, query)
    assert fault in deviation


def test_operations_are_not_to_be_had_below_ui() -> None:
    name = "projects/p/locations/l/models/m/operations/1"
    assert deviations("GET", f"/v1/{name}", "", b"") == []
    assert deviations("GET", f"/ui/{name}", "", b"") == [
        f"GET /ui/{name}: the API has no such method"
    ]


def test_a_wrong_answer_is_found() -> None:
    answer = json.dumps({"pipelineJobs": [{"createTime": 1}]})
    (deviation,) = deviations("GET", JOBS, "", b"", answer)
    assert ".pipelineJobs[0].createTime: 1 is no string" in deviation
