"""What is particular to submitting to Vertex AI; tests/services has what holds everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud import storage

from components.errors import ConfigError
from pipelines.config.load import load
from pipelines.services.submission import Submission, prepare, refuse_unrepeatable
from pipelines.services.vertex.runs import VertexRuns
from tests.vertex.conftest import ROOT
from tests.vertex.double import Double


@pytest.fixture
def runs(double: Double, config: Path) -> VertexRuns:
    vertex = load(config).pipeline.vertex
    assert vertex
    return VertexRuns(vertex)


def test_a_run_is_created_as_the_reference_asks(
    runs: VertexRuns, submission: Submission, double: Double
) -> None:
    run, new = runs.submit(submission)

    assert new
    assert run.id == submission.job_id(1)
    assert run.state == "pending"
    (job,) = double.jobs.by_name.values()
    assert job.runtime_config.gcs_output_directory == runs.settings.pipeline_root
    assert job.runtime_config.failure_policy.name == "PIPELINE_FAILURE_POLICY_FAIL_SLOW"
    assert job.service_account == runs.settings.service_account
    assert dict(job.labels) == submission.labels
    assert submission.labels["retrain-config"] == "demo"
    assert submission.labels["retrain-commit"] == submission.commit


def test_a_config_and_its_data_make_the_identity(config: Path, bucket: storage.Bucket) -> None:
    first, again = prepare(load(config)), prepare(load(config))
    assert first == again
    assert len(first.commit) == 40

    bucket.blob("phase1.jsonl").upload_from_string('{"text": "two"}\n')
    assert prepare(load(config)).job_id(1) != first.job_id(1)


def test_a_missing_bucket_is_refused_and_not_created(
    runs: VertexRuns, submission: Submission, double: Double, bucket: storage.Bucket
) -> None:
    bucket.delete(force=True)
    with pytest.raises(ConfigError, match=f"there is no bucket {bucket.name}"):
        runs.submit(submission)
    assert double.requests == []
    assert not bucket.exists()


def test_a_bucket_of_another_region_is_refused(
    runs: VertexRuns, submission: Submission, double: Double
) -> None:
    settings = runs.settings.model_copy(update={"location": "europe-west2"})
    with pytest.raises(ConfigError, match="is in us-central1 and the pipeline runs in europe"):
        VertexRuns(settings).submit(submission)
    assert double.requests == []


def test_what_nobody_could_repeat_is_refused_with_every_reason(config: Path) -> None:
    refuse_unrepeatable(load(config))
    text = config.read_text(encoding="utf-8").replace("cpu:0123abc", "cpu:latest")
    text = text.replace("us-docker.pkg.dev/my-project/retrain/gpu:0123abc", "retrain-gpu")
    config.write_text(text.replace("/retrain/gpu:0123abc", "/retrain/gpu"), encoding="utf-8")
    with (config.parent / "cnn.cfg").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")

    with pytest.raises(ConfigError) as refused:
        refuse_unrepeatable(load(config))

    lines = str(refused.value).splitlines()
    assert len(lines) == 4
    assert "images.cpu: 'europe-docker.pkg.dev/my-project/retrain/cpu:latest' may be" in lines[0]
    assert "images.gpu" in lines[1]
    assert "cnn.cfg is not committed" in lines[2]
    assert "demo.yaml is not committed" in lines[3]


def test_annotations_of_this_machine_are_refused(config: Path, bucket: storage.Bucket) -> None:
    text = config.read_text(encoding="utf-8")
    text = text.replace(f"gs://{bucket.name}/phase1.jsonl", "phase1.jsonl")
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"phase-1\.annotations: phase1\.jsonl is on this"):
        refuse_unrepeatable(load(config))


def test_only_the_phases_that_are_named_are_sent(
    runs: VertexRuns, config: Path, double: Double
) -> None:
    run, _ = runs.submit(prepare(load(config), ["phase-2"]))
    assert {task.path.partition("/")[0] for task in runs.get(run.id).tasks} == {"phase-2"}
    with pytest.raises(ConfigError, match=r"--phase phase-3: .* has the phases phase-1, phase-2"):
        prepare(load(config), ["phase-3"])


def test_parameters_must_be_the_pipelines(runs: VertexRuns, config: Path, double: Double) -> None:
    runs.submit(prepare(load(config), parameters=["registry=vertex://other/us-central1"]))
    (job,) = double.jobs.by_name.values()
    assert dict(job.runtime_config.parameter_values) == {"registry": "vertex://other/us-central1"}
    with pytest.raises(ConfigError, match=r"--param rate=1: .*: .*registry"):
        prepare(load(config), parameters=["rate=1"])


@pytest.mark.parametrize("name", ["govuk", "sample"])
def test_the_specs_of_our_own_configs_are_taken(runs: VertexRuns, name: str) -> None:
    spec = (ROOT / "tests" / "golden" / f"{name}.yaml").read_text(encoding="utf-8")
    run, new = runs.submit(Submission(name, spec, {}, data="", commit=""))
    assert new
    assert {task.path for task in run.tasks} >= {"phase-1/train", "phase-2/train"}
