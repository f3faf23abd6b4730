"""A config may take its images from images.lock.yaml, by digest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from components.errors import ConfigError
from pipelines.config.load import load

ROOT = Path(__file__).parents[3]
LOCKED = {
    name: f"registry/retrain-{name}@sha256:{n * 64}"
    for name, n in zip(("cpu", "gpu", "serve"), "abc", strict=True)
}


def config(folder: Path, **images: str) -> Path:
    """An overlay over the sample that names a lock file beside it."""
    shutil.copytree(ROOT / "configs", folder, dirs_exist_ok=True)
    path = folder / "mine.yaml"
    extended = {"extends": "sample.yaml", "images": {"lock": "images.lock.yaml", **images}}
    path.write_text(yaml.safe_dump(extended), encoding="utf-8")
    return path


def test_every_stage_and_the_server_run_locked_images(tmp_path: Path) -> None:
    (tmp_path / "images.lock.yaml").write_text(yaml.safe_dump(LOCKED), encoding="utf-8")
    pipeline = load(config(tmp_path)).pipeline
    assert (pipeline.images.cpu, pipeline.images.gpu) == (LOCKED["cpu"], LOCKED["gpu"])
    assert {p.model.serving_image for p in pipeline.phases.values()} == {LOCKED["serve"]}


def test_an_image_in_the_config_wins(tmp_path: Path) -> None:
    (tmp_path / "images.lock.yaml").write_text(yaml.safe_dump(LOCKED), encoding="utf-8")
    assert load(config(tmp_path, cpu="my-cpu:1")).pipeline.images.cpu == "my-cpu:1"


@pytest.mark.parametrize("content", [None, "cpu: [", "cpu: a:latest\ngpu: b\nserve: c"])
def test_a_lock_that_locks_nothing_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "images.lock.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"images\.lock\.yaml: not a list of images by digest"):
        load(config(tmp_path))
