"""A pipeline that was submitted to Kubeflow, run here on a folder in the place of its volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.local.run import RunResult, run_spec
from pipelines.local.runner.listeners import Nobody


def run_on(volume: Path, spec: dict[str, Any], folder: Path, name: str) -> RunResult:
    """Run a spec to its end; no developer's machine has the cluster's volume at its place."""
    result = run_spec(
        spec,
        out=folder / "runs",
        cwd=folder,
        name=name,
        listener=Nobody(),
        parameters={
            "registry": f"volume://{volume}/models",
            "checkpoints": str(volume / "checkpoints"),
            "store": str(volume / "store"),
        },
    )
    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    return result
