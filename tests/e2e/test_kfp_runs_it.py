"""Somebody else's executor runs our spec: kfp's own local runner, from the first task to the last.

What is kfp's in it, and what it cannot do: tests/support/kfp_local.py. Here each container's
command runs on this machine; `make test-images` runs them in their images.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.registry.open import open_registry
from pipelines.config.load import load
from tests.e2e.test_run import CONFIG, ROOT, cut, retrain
from tests.support.kfp_local import Task, run_by_kfp

# kfp says of each task that its runner knows no limits.
pytestmark = pytest.mark.filterwarnings("ignore:Task .* have no effect:UserWarning")


def test_it_comes_to_the_same_model_scores_and_decision(tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(CONFIG.partition("  phase-2:")[0], encoding="utf-8")
    cut(ROOT / "configs/sample/phase1.jsonl", tmp_path / "phase1.jsonl", 150)
    started: list[str] = []

    def here(task: Task) -> int:
        started.append(task.stage)
        assert task.volumes[str(tmp_path / "outputs")] == str(tmp_path / "outputs")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **task.environment}
        command = [sys.executable, *task.command[1:]]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode

    folders = {name: str(tmp_path / "kfp" / name) for name in ("registry", "checkpoints", "store")}
    run_by_kfp(load(config), folders, tmp_path / "outputs", here)

    assert started == ["ingest", "split", "convert", "train", "evaluate", "upload"]
    assert retrain(tmp_path, "run", "small.yaml").returncode == 0
    (by_kfp,) = open_registry(folders["registry"]).versions("ner-phase-1")
    (by_runner,) = open_registry(str(tmp_path / "models")).versions("ner-phase-1")
    assert by_kfp.lineage.scores == by_runner.lineage.scores
    assert by_kfp.lineage.decision == by_runner.lineage.decision == "promote"
    assert by_kfp.artefact == by_runner.artefact

    # Nothing is due now: kfp itself finds that the condition does not hold.
    started.clear()
    run_by_kfp(load(config), {**folders, "when": "due"}, tmp_path / "outputs", here)
    assert started == ["ingest"]
