"""A text that is too long for a service is told when the pipeline is compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.errors import ConfigError
from pipelines.config.load import load
from pipelines.dag.compile import compiled

ROOT = Path(__file__).parents[3]


def with_code(folder: Path, config: str, size: int, *more: str) -> str:
    """The spec of a config whose first phase has a module of that many bytes; some are quotes."""
    folder.mkdir()
    shutil.copytree(ROOT / "configs", folder / "configs")
    (folder / "configs/mine.py").write_text("#" + '"' * (size - 1), encoding="utf-8")
    settings = ["phases.phase-1.train.code=mine.py", *more]
    return compiled(load(folder / "configs" / config, settings))


def test_a_text_is_measured_as_the_executor_input_has_it(tmp_path: Path) -> None:
    """Twice, and each quote as two characters; on a spot machine as four."""
    assert with_code(tmp_path / "a", "govuk.yaml", 20_000)
    with pytest.raises(ConfigError, match=r"^the task train would get an argument of [\d,]+ bytes"):
        with_code(tmp_path / "b", "govuk.yaml", 40_000)
    with pytest.raises(ConfigError, match="The longest text in it is `code`"):
        with_code(tmp_path / "c", "govuk.yaml", 20_000, "phases.phase-1.compute.train.spot=true")


def test_kubeflow_hands_a_phase_to_its_driver_whole(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="The longest text in it is `code`"):
        with_code(tmp_path / "a", "kubeflow.yaml", 40_000)
