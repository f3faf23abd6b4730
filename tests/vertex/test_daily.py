"""The tests that `make test-vertex` runs for real, against the double."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.config.load import load
from pipelines.config.schema import STAGES
from pipelines.services import watch
from tests.live.conftest import CONFIG
from tests.vertex.conftest import ROOT, commit_all
from tests.vertex.daily import (
    MODEL,
    test_a_run_from_the_plan_to_its_end,
    test_a_schedule_is_made_once_paused_resumed_and_deleted,
    test_doctor_finds_nothing_missing,
    test_versions_are_kept_promoted_rolled_back_and_pulled,
)
from tests.vertex.double import Double

__all__ = [
    "test_a_run_from_the_plan_to_its_end",
    "test_a_schedule_is_made_once_paused_resumed_and_deleted",
    "test_doctor_finds_nothing_missing",
    "test_versions_are_kept_promoted_rolled_back_and_pulled",
]


@pytest.fixture
def place(double: Double, config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config of the double, with a schedule; nobody waits."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    with config.open("a", encoding="utf-8") as file:
        file.write('schedule: {cron: "0 3 * * 1"}\n')
    commit_all(config.parent)
    return config


def test_the_config_for_a_real_project_is_right(tmp_path: Path) -> None:
    digest = "0" * 64
    images = "".join(f"{name}: host/retrain@sha256:{digest}\n" for name in ("cpu", "gpu", "serve"))
    (tmp_path / "images.lock.yaml").write_text(images, encoding="utf-8")
    shutil.copy(ROOT / "pipelines/config/training/cnn.cfg", tmp_path)
    values = {"project": "p", "region": "r", "bucket": "bucket", "annotations": "a", "model": MODEL}
    (tmp_path / "live.yaml").write_text(CONFIG.format(**values), encoding="utf-8")
    pipeline = load(tmp_path / "live.yaml").pipeline
    compute = pipeline.phases["phase-1"].compute
    assert not any(compute.of(stage).accelerator for stage in STAGES)
