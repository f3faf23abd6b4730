"""Training on a spot machine: the custom job that the spec asks for, and the same spec here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format

from components.errors import ConfigError
from pipelines.config.load import Loaded, load
from pipelines.dag.compile import compiled
from pipelines.local.runner.graph import Dag, Node
from pipelines.local.runner.reading import read_spec
from pipelines.local.runner.spec import Container
from tests.pipelines.dag.test_compile import containers_of

ROOT = Path(__file__).parents[3]


def govuk(*overrides: str) -> Loaded:
    return load(ROOT / "configs/govuk.yaml", overrides)


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load(compiled(govuk()))
    return spec


@pytest.fixture
def spot() -> dict[str, Any]:
    phases = ("phase-1", "phase-2")
    settings = [f"phases.{phase}.compute.train.spot=true" for phase in phases]
    spec: dict[str, Any] = yaml.safe_load(compiled(govuk(*settings)))
    return spec


def train_nodes(spec: dict[str, Any]) -> list[Node]:
    """The train tasks as the local runner reads them."""
    return [leaf for leaf in read_spec(spec).leaves() if leaf.path.endswith("/train")]


def payloads(spec: dict[str, Any]) -> list[Any]:
    """What the launchers in a spec send."""
    containers = containers_of(spec)
    launchers = [one for one in containers if one["command"][-1].endswith("custom_job.launcher")]
    return [json.loads(one["args"][one["args"].index("--payload") + 1]) for one in launchers]


def test_the_custom_job_is_one_that_the_api_knows(spot: dict[str, Any]) -> None:
    jobs = payloads(spot)
    assert len(jobs) == 2
    for payload in jobs:
        job = json_format.ParseDict(payload, v1.CustomJob.pb(v1.CustomJob()))
        assert job.job_spec.scheduling.strategy == v1.Scheduling.Strategy.SPOT
        # The stage's own limit of 8 h comes first.
        assert job.job_spec.scheduling.timeout.seconds == 8 * 3600 + 600
        assert job.job_spec.service_account == "retrain@content-metadata.iam.gserviceaccount.com"
        (pool,) = job.job_spec.worker_pool_specs
        assert pool.machine_spec.machine_type == "n1-standard-8"
        assert pool.machine_spec.accelerator_type == v1.AcceleratorType.NVIDIA_TESLA_T4
        assert pool.machine_spec.accelerator_count == 1
        assert pool.container_spec.image_uri.endswith("/gpu:0.1.0")


def test_the_task_is_otherwise_the_same(plain: dict[str, Any], spot: dict[str, Any]) -> None:
    for before, after in zip(train_nodes(plain), train_nodes(spot), strict=True):
        assert (before.path, before.after, before.cached) == (after.path, after.after, after.cached)
        assert (before.inputs, before.outputs) == (after.inputs, after.outputs)
        assert before.spec.inputs == after.spec.inputs
        assert before.spec.retry_policy == after.spec.retry_policy
        assert after.spec.retry_policy.max_retry_count == 2


def test_here_the_stage_runs_as_any_other(plain: dict[str, Any], spot: dict[str, Any]) -> None:
    for before, after in zip(train_nodes(plain), train_nodes(spot), strict=True):
        assert isinstance(before.body, Container)
        assert isinstance(after.body, Container)
        assert (before.body.image, before.body.command) == (after.body.image, after.body.command)
        assert after.body.args == ["--executor-input", "{{$}}", "--from-executor-input"]


def test_a_custom_job_of_several_machines_is_refused_here(spot: dict[str, Any]) -> None:
    for container in containers_of(spot):
        args = container["args"]
        if "--payload" in args:
            place = args.index("--payload") + 1
            payload = json.loads(args[place])
            payload["job_spec"]["worker_pool_specs"] *= 2
            args[place] = json.dumps(payload)
    with pytest.raises(ConfigError, match="custom jobs of one container"):
        read_spec(spot)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["phases.phase-1.compute.evaluate.spot=true"], "evaluate: spot is for train only"),
        (["target=local", "phases.phase-1.compute.train.spot=true"], "spot needs target: vertex"),
    ],
)
def test_spot_is_refused_where_it_cannot_be_had(settings: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        govuk(*settings)


def test_the_rest_of_the_pipeline_stays_as_it_is(
    plain: dict[str, Any], spot: dict[str, Any]
) -> None:
    def others(node: Node) -> list[Node]:
        assert isinstance(node.body, Dag)
        return [leaf for leaf in node.leaves() if not leaf.path.endswith("/train")]

    for before, after in zip(others(read_spec(plain)), others(read_spec(spot)), strict=True):
        assert before.body == after.body
        assert before.spec == after.spec


def test_a_further_attempt_begins_a_job_of_its_own(spot: dict[str, Any], tmp_path: Path) -> None:
    """The real launcher polls the job that the file names; it must find none."""
    executors = spot["deploymentSpec"]["executors"].values()
    containers = [one["container"] for one in executors if "container" in one]
    launcher = next(each for each in containers if each["command"][0] == "sh")
    assert launcher["args"][-2] == "--gcp_resources"
    jobs = tmp_path / "jobs of a task"
    jobs.write_text("the job that died", encoding="utf-8")
    (tmp_path / "launcher.py").write_text(
        "import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n"
        "path.write_text(f'new, {sys.argv[1]}, {path.exists()}')",
        encoding="utf-8",
    )
    environment = {"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}
    command = [*launcher["command"][:-1], "launcher", "--type", "--gcp_resources", str(jobs)]
    subprocess.run(command, env=environment, check=True)
    assert jobs.read_text(encoding="utf-8") == "new, --type, False"
