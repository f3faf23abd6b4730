"""What a task's container is allowed to see, and how engines are told to run it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.errors import ConfigError
from pipelines.local.containers import Containers
from pipelines.local.engines import Docker, Job, Mount
from pipelines.local.runner.launchers import Command
from pipelines.local.runner.spec import Container


class Shown:
    """An engine that shows the job instead of running it."""

    def image_id(self, image: str) -> str:
        return "sha256:1" if image == "retrain-cpu" else ""

    @contextmanager
    def running(self, job: Job) -> Iterator[list[str]]:
        self.job = job
        yield ["engine", *job.argv]


@pytest.fixture
def engine() -> Shown:
    return Shown()


def launched(
    engine: Shown, folder: Path, *argv: str, reads: list[Path] | None = None, **environment: str
) -> Job:
    writes = folder / "runs/1/phase/stage"
    writes.mkdir(parents=True)
    (folder / "configs").mkdir(exist_ok=True)
    command = Command(
        argv=["python", "-m", "components", *argv],
        environment={"OMP_NUM_THREADS": "1", **environment},
        cwd=folder / "configs",
        image="retrain-cpu",
        reads=reads or [],
        writes=writes,
        log=folder / "log",
    )
    containers = Containers(engine)  # type: ignore[arg-type]
    with containers.launch(command) as ready:
        assert ready.argv == ["engine", *command.argv]
        # What is set for the task must not change the engine itself.
        assert ready.environment == {}
    return engine.job


def seen(job: Job, folder: Path) -> dict[str, bool]:
    """Path below the folder -> whether it may be written to; without the empty working folder."""
    return {
        str(mount.target.relative_to(folder)): mount.writable
        for mount in job.mounts
        if mount.target != job.cwd
    }


def test_a_task_sees_its_inputs_and_its_own_folder(engine: Shown, tmp_path: Path) -> None:
    older = tmp_path / "runs/0/phase/ingest/annotations"
    older.mkdir(parents=True)
    reused = tmp_path / "runs/1/phase/ingest"
    reused.mkdir(parents=True)
    (reused / "annotations").symlink_to(older)
    absent = tmp_path / "runs/1/phase/champion"
    job = launched(engine, tmp_path, "split", reads=[reused / "annotations", absent])
    assert seen(job, tmp_path) == {
        "runs/1/phase/ingest/annotations": False,
        "runs/1/phase/stage": True,
    }
    assert next(m.source for m in job.mounts if m.target == reused / "annotations") == older


def test_annotations_are_seen_as_the_config_names_them(engine: Shown, tmp_path: Path) -> None:
    (tmp_path / "configs/data/more").mkdir(parents=True)
    (tmp_path / "configs/data/a.jsonl").touch()
    listed = ["data/a.jsonl", "../configs/data/more/*.jsonl", "gs://bucket/b.jsonl", "missing"]
    sources = json.dumps([{"path": path, "format": "auto"} for path in listed])
    job = launched(engine, tmp_path, "ingest", "--sources", sources)
    assert seen(job, tmp_path) == {
        "configs/data/a.jsonl": False,
        "configs/data/more": False,
        "runs/1/phase/stage": True,
    }


@pytest.mark.parametrize(("stage", "writable"), [("champion", False), ("upload", True)])
def test_only_upload_may_write_to_the_registry(
    engine: Shown, tmp_path: Path, stage: str, writable: bool
) -> None:
    job = launched(engine, tmp_path, stage, "--registry", "../models")
    assert seen(job, tmp_path)["models"] is writable
    assert (tmp_path / "models").is_dir()


def test_a_registry_elsewhere_is_not_mounted(engine: Shown, tmp_path: Path) -> None:
    job = launched(engine, tmp_path, "upload", "--registry", "vertex://project/place/bucket")
    assert seen(job, tmp_path) == {"runs/1/phase/stage": True}


def test_checkpoints_outlive_an_attempt(engine: Shown, tmp_path: Path) -> None:
    job = launched(engine, tmp_path, "train", "--checkpoints", "../runs/checkpoints")
    assert seen(job, tmp_path)["runs/checkpoints"] is True


def test_outer_folders_are_mounted_before_inner_ones(engine: Shown, tmp_path: Path) -> None:
    (tmp_path / "configs/data").mkdir(parents=True)
    sources = json.dumps([{"path": "data/*.jsonl"}])
    job = launched(engine, tmp_path, "ingest", "--sources", sources)
    depths = [len(mount.target.parts) for mount in job.mounts]
    assert depths == sorted(depths)


def test_the_image_is_part_of_what_a_result_depends_on(engine: Shown) -> None:
    containers = Containers(engine)  # type: ignore[arg-type]
    assert containers.identity(Container(image="retrain-cpu")) == "sha256:1"
    with pytest.raises(ConfigError, match=r"no image 'retrain-tpu' here: run `make images`"):
        containers.identity(Container(image="retrain-tpu"))


def test_docker_gets_a_read_only_root_and_no_root_user(tmp_path: Path) -> None:
    mount = Mount(tmp_path, Path("/in"))
    job = Job("retrain-cpu", ["python", "-V"], {"A": "b c"}, Path("/work"), [mount])
    with Docker("true").running(job) as argv:
        line = " ".join(argv)
    assert "--read-only" in argv
    assert f"--volume {tmp_path}:/in:ro" in line
    assert "--env A=b c" in line
    assert argv[-2:] == ["retrain-cpu", "-V"]
    uid = argv[argv.index("--user") + 1]
    assert uid == (f"{os.getuid()}:{os.getgid()}" if os.getuid() else "10001:10001")


def test_the_address_of_a_webhook_is_handed_on_and_never_written_down(
    engine: Shown, tmp_path: Path
) -> None:
    job = launched(engine, tmp_path, "notify", "--webhook", "env:HOOK", "--held", "why")
    assert job.handed_on == ["HOOK"]
    with Docker("true").running(job) as argv:
        assert argv[argv.index("HOOK") - 1] == "--env"
    there = "projects/p/secrets/hook/versions/latest"
    assert launched(engine, tmp_path / "2", "notify", "--webhook", there).handed_on == []


def test_the_image_that_trained_a_model_is_named_by_its_digest(
    engine: Shown, tmp_path: Path
) -> None:
    digest = f"europe-docker.pkg.dev/p/r/gpu@sha256:{'a' * 64}"
    for number, (name, expected) in enumerate(
        [("retrain-cpu", "retrain-cpu@sha256:1"), (digest, digest)]
    ):
        folder = tmp_path / str(number)
        job = launched(engine, folder, "upload", RETRAIN_IMAGE=name)
        assert job.environment["RETRAIN_IMAGE"] == expected


def test_the_folder_of_checkpoints_is_seen_also_when_only_the_executor_input_names_it(
    engine: Shown, tmp_path: Path
) -> None:
    task = {"inputs": {"parameterValues": {"checkpoints": "../kept"}}, "outputs": {}}
    words = ("--executor-input", json.dumps(task), "--from-executor-input")
    job = launched(engine, tmp_path, "train", *words)
    assert seen(job, tmp_path)["kept"] is True
