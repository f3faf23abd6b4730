"""Submitting runs with the real client: once, whatever happens on the way."""

from __future__ import annotations

import pytest

from components import patience
from components.errors import ConfigError, RemoteError
from pipelines.services.kubeflow import client
from pipelines.services.kubeflow.runs import KubeflowRuns
from pipelines.services.submission import Submission
from tests.kubeflow.double import Double
from tests.support.service import Fault

CREATE = r"^POST .*/runs$"


def test_a_run_is_created_as_the_reference_asks(
    runs: KubeflowRuns, submission: Submission, double: Double
) -> None:
    run, new = runs.submit(submission)

    assert new
    assert (run.id, run.state) == (submission.job_id(1), "pending")
    assert run.labels == submission.labels
    assert run.url.startswith(f"{double.url}/#/runs/details/0000")
    (made,) = double.runs.by_id.values()
    assert made["service_account"] == "pipeline-runner"
    assert made["runtime_config"]["pipeline_root"] == "gs://a-bucket/runs"


def test_every_task_mounts_the_volume_and_a_gpu_is_a_gpu(
    runs: KubeflowRuns, submission: Submission, double: Double
) -> None:
    runs.submit(submission)
    (made,) = double.runs.by_id.values()
    package = made["pipeline_spec"]
    mounted = package["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert mounted.keys() == package["pipeline_spec"]["deploymentSpec"]["executors"].keys()
    for executor in mounted.values():
        (mount,) = executor["pvcMount"]
        assert (mount["constant"], mount["mountPath"]) == ("retrain-models", "/retrain")


def test_the_same_submit_again_finds_the_run(runs: KubeflowRuns, submission: Submission) -> None:
    first, _ = runs.submit(submission)
    again, new = runs.submit(submission)
    assert (again.id, new) == (first.id, False)


def test_force_makes_another_attempt(runs: KubeflowRuns, submission: Submission) -> None:
    runs.submit(submission)
    for attempt in (2, 3):
        forced, new = runs.submit(submission, force=True)
        assert (forced.id, new) == (submission.job_id(attempt), True)
    newest, new = runs.submit(submission)
    assert (newest.id, new) == (submission.job_id(3), False)


def test_of_two_submits_at_the_same_moment_one_run_stays(
    runs: KubeflowRuns,
    submission: Submission,
    double: Double,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other's run appears between our look and our creation."""
    start = double.runs.start

    def twice(given: dict[str, object]) -> dict[str, object]:
        monkeypatch.setattr(double.runs, "start", start)
        start(dict(given))
        return start(given)

    monkeypatch.setattr(double.runs, "start", twice)
    run, new = runs.submit(submission)
    (left,) = double.runs.by_id.values()
    assert not new
    assert run.url.endswith(left["run_id"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault(CREATE, status=429, times=2),
        Fault(CREATE, status=503, times=2),
        Fault(CREATE, drop="before"),
        Fault(CREATE, drop="after"),
        Fault("^GET .*/runs$", status=503, times=2),
        Fault("^POST .*/experiments$", drop="after"),
    ],
    ids=[
        "too many requests",
        "unavailable",
        "dropped before",
        "dropped after",
        "list unavailable",
        "experiment dropped after",
    ],
)
def test_a_passing_fault_is_waited_out(
    runs: KubeflowRuns, submission: Submission, double: Double, fault: Fault
) -> None:
    double.faults = [fault]
    run, _ = runs.submit(submission)
    assert run.id == submission.job_id(1)
    assert len(double.runs.by_id) == 1
    assert len(double.experiments.by_id) == 1


def test_an_answer_that_never_comes_is_not_waited_for(
    runs: KubeflowRuns,
    submission: Submission,
    double: Double,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "CALL_SECONDS", 0.5)
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 10.0)
    double.faults = [Fault(CREATE, delay=30.0)]
    run, new = runs.submit(submission)
    assert (run.id, new) == (submission.job_id(1), False)
    assert len(double.runs.by_id) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(CREATE, status=429, times=1000),
        Fault(CREATE, status=503, times=1000),
        Fault(CREATE, drop="before", times=1000),
        Fault("^POST .*/runs$|^GET .*/runs$", drop="after", times=1000),
        Fault(CREATE, status=403),
        Fault(CREATE, status=409),
    ],
    ids=["too many", "unavailable", "dropped before", "dropped after", "forbidden", "conflict"],
)
def test_a_lasting_fault_is_one_message_and_the_next_try_leaves_one_run(
    runs: KubeflowRuns, submission: Submission, double: Double, fault: Fault
) -> None:
    double.faults = [fault]
    with pytest.raises(RemoteError, match=f"^(submit {submission.job_id(1)}|list the runs): "):
        runs.submit(submission)

    double.faults = []
    run, _ = runs.submit(submission)
    assert [each["display_name"] for each in double.runs.by_id.values()] == [run.id]


@pytest.mark.parametrize("many", [True, False])
def test_a_namespace_that_does_not_suit_the_cluster_is_refused(
    runs: KubeflowRuns, submission: Submission, double: Double, many: bool
) -> None:
    double.multi_user = many
    namespace = "" if many else "team-a"
    settings = runs.settings.model_copy(update={"namespace": namespace})
    with pytest.raises(ConfigError, match=r"^kubeflow\.namespace: "):
        KubeflowRuns(settings, "demo").submit(submission)
    assert not double.runs.by_id
    assert double.sent("POST") == []


def test_with_many_users_everything_is_in_the_namespace(
    runs: KubeflowRuns, submission: Submission, double: Double
) -> None:
    double.multi_user = True
    settings = runs.settings.model_copy(update={"namespace": "team-a"})
    mine = KubeflowRuns(settings, "demo")
    run, _ = mine.submit(submission)
    assert [each.id for each in mine.history("demo")] == [run.id]
    (experiment,) = double.experiments.by_id.values()
    assert experiment["namespace"] == "team-a"


def test_a_token_is_sent_and_a_refusal_says_where_it_comes_from(
    runs: KubeflowRuns, submission: Submission, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(client.TOKEN_VARIABLE, "secret")
    double.faults = [Fault("healthz", status=403)]
    with pytest.raises(RemoteError, match=r"permission denied .* Set KUBEFLOW_TOKEN"):
        runs.submit(submission)
    assert double.authorization == "Bearer secret"


def test_a_lost_answer_to_a_cancel_is_no_error(
    runs: KubeflowRuns, submission: Submission, double: Double
) -> None:
    run, _ = runs.submit(submission)
    double.runs.busy = True
    double.faults = [Fault(":terminate$", drop="after")]
    assert runs.cancel(run.id).state == "cancelling"
    assert runs.cancel(run.id).state == "cancelling"
    double.runs.busy = False
    assert runs.get(run.id).state == "cancelled"
