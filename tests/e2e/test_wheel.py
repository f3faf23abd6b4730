"""The wheel, installed where nothing of the clone can be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.wheel import PACKAGES, build_wheel
from tests.containers.conftest import Running, predict
from tests.vertex.conftest import bucket, config, double, gcs_server  # noqa: F401

pytestmark = pytest.mark.xdist_group("wheel")

ROOT = Path(__file__).parents[2]
SHORT = ["training.max_steps=2", "training.eval_frequency=2"]
Retrain = Callable[..., str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that holds the wheel, and sees the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*command, "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    # A path in a .pth file is searched, but the .pth files in it are not read: the editable
    # installation of the clone stays out.
    libraries = sysconfig.get_paths()["purelib"]
    (site / "libraries.pth").write_text(libraries, encoding="utf-8")
    return folder / "bin" / "retrain"


@pytest.fixture
def retrain(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Retrain]:
    """Run the installed command in an empty folder; its output, once it has succeeded."""
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [installed, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    yield run


def test_the_wheel_holds_all_that_is_read_at_run_time(wheel: Path) -> None:
    """Every file of the packages, but what makes the images."""
    shipped = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and "containers/tests" not in path.as_posix()
        and path.name not in ("Dockerfile", "advisories.toml", "cloudbuild.yaml")
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == shipped


def test_the_clone_is_out_of_sight(installed: Path, tmp_path: Path) -> None:
    code = "import components, containers, pipelines; print(components.__file__)"
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    place = subprocess.run(
        [installed.with_name("python"), "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert place.startswith(str(installed.parents[1]))


def test_from_an_export_to_a_served_model(
    retrain: Retrain, installed: Path, tmp_path: Path
) -> None:
    lines = (ROOT / "configs/sample/phase1.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "export.jsonl").write_bytes(b"".join(lines[:150]))
    retrain("init", "export.jsonl", "-o", "my.yaml")
    assert "config: minilm-tokens\n" in (tmp_path / "my.yaml").read_text(encoding="utf-8")
    overrides = [f"phases.export.{each}" for each in SHORT]
    options = [word for each in overrides for word in ("--set", each)]
    summary = json.loads(retrain("run", "my.yaml", "--json", *options))
    assert summary["state"] == "succeeded"
    assert "style" in Path(summary["phases"]["export"]["report"]).read_text(encoding="utf-8")
    assert "all runs: runs/index.html" in retrain("report", "latest")
    server = Running(
        "latest", "--port=0", program=[str(installed), "serve"], cwd=tmp_path
    ).until_ready()
    try:
        assert "entities" in predict(server.url, "The fee is £20.")[0]
    finally:
        server.terminate()
        server.wait()


@pytest.mark.usefixtures("double")
def test_a_plan_has_its_prices(retrain: Retrain, config: Path) -> None:  # noqa: F811
    assert "Estimated cost: " in retrain("plan", str(config))
