"""The sample, with every task inside its image: by `retrain run`, and by kfp's own Docker runner.

`make test-images` builds the images and then runs this; it needs docker, podman or buildah.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.registry.open import open_registry
from pipelines.config.load import load
from pipelines.local.containers import give_away
from pipelines.local.engines import Engine, Job, Mount, find_engine
from tests.support.kfp_local import Task, run_by_kfp

# kfp says of each task that its runner knows no limits.
pytestmark = pytest.mark.filterwarnings("ignore:Task .* have no effect:UserWarning")
ROOT = Path(__file__).parents[2]
MODELS = ("ner-phase-1", "ner-phase-2")
STAGES = ("ingest", "split", "convert", "train", "evaluate", "upload")


@dataclass(frozen=True)
class Project:
    """The sample's config and annotations in a folder of their own, and the models made of them."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "sample.yaml"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def threads(self) -> int:
        """The cores that each task of the only run was given."""
        (record,) = self.folder.glob("runs/*/run.json")
        threads = json.loads(record.read_text(encoding="utf-8"))["threads"]
        assert isinstance(threads, int)
        return threads


@pytest.fixture(scope="module")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """Makes a project whose annotations go by absolute paths, so that any engine can mount them."""

    def made(name: str) -> Project:
        project = Project(tmp_path_factory.mktemp(name).resolve())
        # What is below belongs to root, and a container's user is another one.
        for folder in (project.folder, *project.folder.parents[:2]):
            folder.chmod(0o755)
        shutil.copytree(ROOT / "configs/sample", project.folder / "sample")
        text = (ROOT / "configs/sample.yaml").read_text(encoding="utf-8")
        text = text.replace("[sample/", f"[{project.folder}/sample/")
        project.config.write_text(
            text.replace("registry: ../models", "registry: models"), encoding="utf-8"
        )
        return project

    return made


@pytest.fixture(scope="module")
def by_retrain(make_project: Callable[[str], Project]) -> Project:
    """What `retrain run --in-containers` makes of the sample."""
    project = make_project("by-retrain")
    command = [sys.executable, "-m", "pipelines", "run", str(project.config), "--in-containers"]
    subprocess.run([*command, "--out", str(project.folder / "runs")], cwd=ROOT, check=True)
    return project


def in_container(
    engine: Engine, project: Project, started: list[str], threads: int
) -> Callable[[Task], int]:
    """What runs a container of kfp's in an engine of this machine; it notes the stages.

    kfp's runner says nothing of threads, and another number of them adds floats up in another
    order: with that of our run, the same weights must come out, to the bit.
    """
    limits = dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS"), str(threads))

    def start(task: Task) -> int:
        started.append(task.stage)
        for here in task.volumes:
            Path(here).mkdir(parents=True, exist_ok=True)  # as docker does
        give_away(project.folder)
        mounts = [
            # Beside kfp's own folder, what the stages read and keep things in.
            Mount(project.folder, project.folder, writable=True),
            *(Mount(Path(here), Path(there), True) for here, there in task.volumes.items()),
        ]
        environment = {**task.environment, **limits}
        job = Job(task.image, task.command, environment, Path("/app"), mounts)
        with engine.running(job) as command:
            return subprocess.run(command, check=False).returncode

    return start


def test_the_sample_comes_to_two_models_in_production(by_retrain: Project) -> None:
    registry = open_registry(str(by_retrain.models))
    for model in MODELS:
        (version,) = registry.versions(model)
        assert version.lineage.decision == "promote"
        # Which image trained it is known by its digest.
        assert "@sha256:" in version.lineage.image


def test_kfps_docker_runner_comes_to_the_same_scores_and_decisions(
    by_retrain: Project, make_project: Callable[[str], Project]
) -> None:
    under_kfp, started = make_project("by-kfp"), list[str]()
    start = in_container(find_engine(), under_kfp, started, by_retrain.threads)
    folders = {
        "registry": str(under_kfp.models),
        "checkpoints": str(under_kfp.folder / "checkpoints"),
        "store": str(under_kfp.folder / "store"),
    }
    run_by_kfp(load(under_kfp.config), folders, under_kfp.folder / "outputs", start)

    assert sorted(started) == sorted(STAGES * 2)
    for model in MODELS:
        (by_kfp,) = open_registry(str(under_kfp.models)).versions(model)
        (by_us,) = open_registry(str(by_retrain.models)).versions(model)
        assert by_kfp.lineage.scores == by_us.lineage.scores
        assert by_kfp.lineage.decision == by_us.lineage.decision == "promote"
        assert by_kfp.artefact == by_us.artefact

    # Nothing is due now, which kfp finds out by evaluating the condition itself.
    started.clear()
    run_by_kfp(
        load(under_kfp.config), {**folders, "when": "due"}, under_kfp.folder / "outputs", start
    )
    assert started == ["ingest", "ingest"]


def test_what_a_secret_holds_reaches_a_container_and_no_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOK", "https://example.org/secret")
    code = "import os; print(os.environ['HOOK'], os.environ['PLAIN'])"
    job = Job(
        "retrain-cpu",
        ["python", "-c", code],
        {"PLAIN": "seen"},
        Path("/app"),
        [],
        handed_on=["HOOK"],
    )
    with find_engine().running(job) as command:
        assert "https://" not in " ".join(command)
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["https://example.org/secret", "seen"]
