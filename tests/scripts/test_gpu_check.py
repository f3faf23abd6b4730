"""The check of a GPU runs where there is none, too, on its CPU path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_cpu_path() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.gpu_check", "--tiny", "--steps", "10"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "resumes after SIGKILL" in done.stdout
    assert "MiniLM in mixed precision" in done.stdout
    assert "FAILED" not in done.stdout
