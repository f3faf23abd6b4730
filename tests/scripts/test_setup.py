"""`make setup` runs when what .venv is made from has changed, whatever the times of files say."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETUP = "#!/bin/sh\nmkdir -p .venv && echo ran >> runs && exit ${FAILS:-0}\n"


def test_content_decides_and_not_times(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    inputs = [tmp_path / f"requirements/{name}.lock" for name in ("dev", "torch", "cuda")]
    inputs += [tmp_path / "requirements/torch-cpu.lock", tmp_path / "pyproject.toml"]
    for path in inputs:
        path.parent.mkdir(exist_ok=True)
        path.write_text("one\n", encoding="utf-8")
    script = tmp_path / "scripts/setup.sh"
    script.parent.mkdir()
    script.write_text(SETUP, encoding="utf-8")
    script.chmod(0o755)

    def setup(**environment: str) -> int:
        """Run it; how often the script has run until now."""
        command = ["make", "-C", str(tmp_path), "setup"]
        result = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        assert result.returncode == (2 if environment else 0), result.stderr
        return len((tmp_path / "runs").read_text(encoding="utf-8").splitlines())

    assert setup() == 1
    for path in inputs:
        os.utime(path)  # as a fresh checkout makes them
    assert setup() == 1
    inputs[0].write_text("two\n", encoding="utf-8")
    os.utime(inputs[0], (0, 0))  # older than .venv
    assert setup(FAILS="1") == 2
    assert setup() == 3, "what failed is not taken for done"
    assert setup() == 3
