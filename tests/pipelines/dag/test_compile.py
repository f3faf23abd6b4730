"""What `retrain compile` writes: the golden specs, and what Vertex AI needs to find in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from components.errors import ConfigError
from pipelines.config.load import load
from pipelines.dag.compile import compiled
from pipelines.services.kubeflow.volume import package

ROOT = Path(__file__).parents[3]
CONFIGS = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))


def retrain(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def govuk() -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load(compiled(load(ROOT / "configs/govuk.yaml")))
    return spec


@pytest.mark.parametrize("name", CONFIGS)
def test_each_config_compiles_to_its_golden_spec(name: str) -> None:
    golden = ROOT / f"tests/golden/{name}.yaml"
    spec = package(load(ROOT / f"configs/{name}.yaml"))
    assert spec == golden.read_text(encoding="utf-8"), "`make golden` rewrites it: read the diff"


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        result = retrain(
            "compile", "configs/govuk.yaml", "-o", f"{tmp_path}/{seed}.yaml", PYTHONHASHSEED=seed
        )
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "1.yaml").read_bytes() == (tmp_path / "2.yaml").read_bytes()


def test_the_spec_is_one_document_without_a_path_of_this_machine() -> None:
    text = compiled(load(ROOT / "configs/govuk.yaml"))
    assert len(list(yaml.safe_load_all(text))) == 1
    for path in (str(ROOT), str(Path.home()), sys.prefix):
        assert path not in text


def containers_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """What runs a command; importers run none."""
    executors = spec["deploymentSpec"]["executors"].values()
    return [executor["container"] for executor in executors if "container" in executor]


def test_phases_are_parallel_branches() -> None:
    tasks = govuk()["root"]["dag"]["tasks"]
    assert list(tasks) == ["phase-1", "phase-2"]
    assert not any("dependentTasks" in task for task in tasks.values())


def test_both_train_tasks_ask_for_a_t4_on_a_machine_of_eight_cores() -> None:
    trains = [
        container for container in containers_of(govuk()) if container["command"][-1] == "train"
    ]
    assert len(trains) == 2
    for container in trains:
        resources = container["resources"]
        assert resources["accelerator"]["type"] == "NVIDIA_TESLA_T4"
        assert resources["accelerator"]["count"] == "1"
        assert resources["resourceCpuLimit"] == "8"
        assert resources["resourceMemoryLimit"] == "30G"


def test_on_kubeflow_a_gpu_is_the_resource_that_the_cluster_knows() -> None:
    spec = yaml.safe_load(compiled(load(ROOT / "configs/kubeflow.yaml")))
    containers = containers_of(spec)
    asked = [each["resources"].get("accelerator") for each in containers]
    gpus = [each for each in asked if each]
    assert len(gpus) == 4
    assert all((each["type"], each["count"]) == ("nvidia.com/gpu", "1") for each in gpus)
    registry = spec["root"]["inputDefinitions"]["parameters"]["registry"]
    assert registry["defaultValue"] == "volume:///retrain/models"


def test_on_kubeflow_a_pod_leaves_room_on_its_node_or_asks_for_what_is_set() -> None:
    changes = [
        f"phases.{phase}.compute.train.{what}"
        for phase in ("phase-1", "phase-2")
        for what in ("cpu='6'", "memory=20G")
    ]
    spec = yaml.safe_load(compiled(load(ROOT / "configs/kubeflow.yaml", changes)))
    asked = {
        each["container"]["command"][-1]: [
            each["container"]["resources"][key]
            for key in ("resourceCpuLimit", "resourceMemoryLimit")
        ]
        for each in spec["deploymentSpec"]["executors"].values()
    }
    assert asked["train"] == ["6", "20G"]
    assert asked["evaluate"] == ["6400m", "24000M"]
    with pytest.raises(ConfigError, match="cpu and memory are for target: kubeflow"):
        load(ROOT / "configs/govuk.yaml", changes)


def branch_of(folder: Path, train: str) -> dict[str, Any]:
    """The tasks of the one phase of a small config, by name."""
    (folder / "train.cfg").write_text("[nlp]\n", encoding="utf-8")
    (folder / "mine.py").write_text("x = 1\n", encoding="utf-8")
    config = folder / "one.yaml"
    config.write_text(
        f"name: one\nphases:\n  only:\n    train: {{config: train.cfg, {train}}}\n"
        "    labels: [ORG]\n    annotations: [a.jsonl]\n    model: {name: m}\n",
        encoding="utf-8",
    )
    components = yaml.safe_load(compiled(load(config)))["components"]
    tasks = (component.get("dag", {}).get("tasks", {}) for component in components.values())
    return {name: task for group in tasks for name, task in group.items()}


def test_code_travels_in_the_spec(tmp_path: Path) -> None:
    tasks = branch_of(tmp_path, "code: mine.py")
    train = tasks["train"]["inputs"]
    assert train["parameters"]["code"]["runtimeValue"]["constant"] == "x = 1\n"
    assert "champion" not in train["artifacts"]
    without = branch_of(tmp_path, "init: base")
    contexts = [each["ingest"]["inputs"]["parameters"]["context"] for each in (tasks, without)]
    assert contexts[0] != contexts[1]


def test_only_a_warm_start_waits_for_the_champion(tmp_path: Path) -> None:
    train = branch_of(tmp_path, "init: champion")["train"]
    source = train["inputs"]["artifacts"]["champion"]["taskOutputArtifact"]
    assert source["producerTask"].startswith("importer")
    assert "champion_digest" in train["inputs"]["parameters"]


def test_on_kubeflow_the_file_for_the_console_mounts_the_volume_in_every_task() -> None:
    spec, platform = yaml.safe_load_all(package(load(ROOT / "configs/kubeflow.yaml")))
    mounted = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert mounted.keys() == spec["deploymentSpec"]["executors"].keys()
    assert {mount["constant"] for one in mounted.values() for mount in one["pvcMount"]} == {
        "retrain"
    }
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())


def test_a_third_phase_is_a_change_of_the_config_only(tmp_path: Path) -> None:
    (tmp_path / "train.cfg").write_text("[nlp]\n", encoding="utf-8")
    phase = "  {}:\n    labels: [{}]\n    annotations: [{}.jsonl]\n    model: {{name: {}}}\n"
    names = ["phase-1", "phase-2", "dates"]
    config = tmp_path / "three.yaml"
    config.write_text(
        "name: three\ndefaults: {train: {config: train.cfg}}\nphases:\n"
        + "".join(phase.format(name, f"LABEL{n}", name, name) for n, name in enumerate(names)),
        encoding="utf-8",
    )
    spec = yaml.safe_load(compiled(load(config)))
    assert list(spec["root"]["dag"]["tasks"]) == sorted(names)
    branches = [spec["components"][f"comp-{name}"]["dag"]["tasks"] for name in names]
    assert branches[0].keys() == branches[1].keys() == branches[2].keys()
    ingest = branches[2]["ingest"]["inputs"]["parameters"]
    (task,) = ingest["tasks"]["runtimeValue"]["constant"]
    assert task["labels"] == ["LABEL2"]


def test_phases_take_turns_where_there_is_one_gpu_and_a_failure_stops_none() -> None:
    spec = yaml.safe_load(compiled(load(ROOT / "configs/govuk.yaml", ["parallel=false"])))
    tasks = spec["root"]["dag"]["tasks"]
    assert "dependentTasks" not in tasks["phase-1"]
    assert tasks["phase-2"]["dependentTasks"] == ["phase-1"]
    assert tasks["phase-2"]["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"


def test_every_task_names_its_machine_its_limit_and_its_retries_as_constants() -> None:
    spec = govuk()
    for container in containers_of(spec):
        assert container["image"].startswith("europe-west2-docker.pkg.dev/")
        assert int(container["resources"]["resourceCpuLimit"]) > 0
        assert re.fullmatch(r"[\d.]+G", container["resources"]["resourceMemoryLimit"])
        assert "--timeout" in container["args"]
    tasks = [
        task
        for component in spec["components"].values()
        for task in component.get("dag", {}).get("tasks", {}).values()
        if not task["componentRef"]["name"].startswith(("comp-condition", "comp-importer"))
    ]
    assert len(tasks) == 12
    for task in tasks:
        assert task["inputs"]["parameters"]["timeout"]["runtimeValue"]["constant"] > 0
        assert task["retryPolicy"]["maxRetryCount"] >= 1


def test_what_writes_lineage_is_given_the_image_that_trained_the_model() -> None:
    environments = {each["command"][-1]: each.get("env", []) for each in containers_of(govuk())}
    image = "europe-west2-docker.pkg.dev/content-metadata/retrain/gpu:0.1.0"
    for stage, environment in environments.items():
        expected = [{"name": "RETRAIN_IMAGE", "value": image}]
        assert environment == (expected if stage == "upload" else [])


def test_a_student_follows_the_phase_that_teaches_it() -> None:
    spec = yaml.safe_load((ROOT / "tests/golden/sample-teacher.yaml").read_text(encoding="utf-8"))
    tasks = spec["root"]["dag"]["tasks"]
    assert tasks["small"]["dependentTasks"] == ["big"]
    # It learns from the teacher in production where the teacher's own branch fails.
    assert tasks["small"]["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert "dependentTasks" not in tasks["big"]


def test_a_student_of_a_model_runs_beside_the_other_phases() -> None:
    """The same config with a model of the registry as its teacher: see `make golden`."""
    teacher = "{model: topic-big@champion, texts: [sample/letters.txt]}"
    loaded = load(ROOT / "configs/sample-teacher.yaml", [f"phases.small.teacher={teacher}"])
    golden = ROOT / "tests/golden/sample-teacher-model.yaml"
    assert package(loaded) == golden.read_text(encoding="utf-8")
    tasks = yaml.safe_load(package(loaded))["root"]["dag"]["tasks"]
    assert not any("dependentTasks" in task for task in tasks.values())
