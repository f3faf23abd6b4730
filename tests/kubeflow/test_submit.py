"""What is particular to submitting to Kubeflow; tests/services has what holds everywhere."""

from __future__ import annotations

import pytest

from components.errors import ConfigError, RemoteError
from pipelines.services.kubeflow import client
from pipelines.services.kubeflow.runs import KubeflowRuns
from pipelines.services.submission import Submission
from tests.kubeflow.double import Double
from tests.support.service import Fault


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


def test_an_experiment_whose_creation_had_no_answer_is_taken_up(
    runs: KubeflowRuns, submission: Submission, double: Double
) -> None:
    double.faults = [Fault("^POST .*/experiments$", drop="after")]
    runs.submit(submission)
    runs.submit(submission, force=True)
    assert (len(double.runs.by_id), len(double.experiments.by_id)) == (2, 1)
