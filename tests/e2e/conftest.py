"""What several end-to-end tests need, and is costly: they carry one `xdist_group`."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from pipelines.local.launch import run_config
from pipelines.local.run import RunResult

SAMPLE = Path(__file__).parents[2] / "configs/sample-mixed.yaml"


def run_mixed(folder: Path, *tasks: str, steps: int) -> RunResult:
    """Run phases of the sample of several tasks: `letters`, or those that have some tasks."""
    changed = {
        "training.max_steps": steps,
        "training.eval_frequency": steps // 2,
        # Goes with its head where that task is not trained.
        "components.urgency.model.use_reduce_max": "false",
    }
    overrides = [f"phases.letters.{key}={value}" for key, value in changed.items()]
    result = run_config(
        SAMPLE,
        [*overrides, "phases.topics.training.max_steps=10", f"registry={folder / 'models'}"],
        phases=None if tasks else ["letters"],
        tasks=tasks,
        out=folder / "runs",
        console=Console(quiet=True),
    )
    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    return result


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    """The phase `letters`, trained: a folder with its registry, and the run."""
    folder = tmp_path_factory.mktemp("mixed")
    return folder, run_mixed(folder, steps=200)
