"""Build the wheel: `python -m scripts.wheel FOLDER`. The images and a test install it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PACKAGES = ("components", "containers", "pipelines")


def build_wheel(target: Path) -> Path:
    """Write the wheel into `target` and return its path; nothing is fetched.

    It is built of a copy: setuptools keeps what it once built beside the code, and would put a
    module that was removed since into the next wheel.
    """
    with TemporaryDirectory() as folder:
        source = Path(folder)
        for package in PACKAGES:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, source / package, ignore=ignore)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
        command += ["--no-build-isolation", "--wheel-dir", str(source / "dist"), folder]
        subprocess.run(command, check=True)
        (wheel,) = (source / "dist").glob("*.whl")
        target.mkdir(parents=True, exist_ok=True)
        for old in target.glob("*.whl"):
            old.unlink()
        return Path(shutil.copy(wheel, target))


if __name__ == "__main__":
    print(build_wheel(Path(sys.argv[1])))
