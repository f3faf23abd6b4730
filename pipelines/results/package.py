"""A version of a registry as a wheel, by spaCy's own packaging."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from components.custom_code import FILE_NAME
from components.errors import ConfigError, DataError
from components.registry.base import Registry, find


def wheel_of(registry: Registry, name: str, reference: str, folder: Path) -> Path:
    """Make a wheel of a version; its version is the registry's number, its name says the language.

    Args:
        folder: where the wheel goes.

    Raises:
        ConfigError: there is no such version, the wheel is there already, or setuptools is not.
        DataError: the version's files are damaged, or cannot be packaged.
    """
    if find_spec("setuptools") is None:
        raise ConfigError("A wheel is built by setuptools, which is not here: pip install it.")
    from spacy.cli.package import package

    version = find(registry, name, reference)
    with TemporaryDirectory() as text:
        model, built = Path(text) / "model", Path(text) / "built"
        registry.fetch(version, model)
        built.mkdir()
        code = model / FILE_NAME
        package(
            model,
            built,
            code_paths=[code] if code.is_file() else [],
            name=re.sub(r"\W", "_", name),
            version=f"{version.number}.0.0",
            create_sdist=False,
            require_parent=True,
        )
        (project,) = built.iterdir()
        return moved(wheel_in(project), folder)


def wheel_in(project: Path) -> Path:
    """Build the wheel of a package's folder, without a network."""
    command = [sys.executable, "setup.py", "-q", "bdist_wheel"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"no wheel could be built: {done.stderr.strip().splitlines()[-1]}")
    (wheel,) = (project / "dist").glob("*.whl")
    return wheel


def moved(wheel: Path, folder: Path) -> Path:
    """The wheel in its folder."""
    target = folder / wheel.name
    if target.exists():
        raise ConfigError(f"{target}: is already there: remove it first.")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(wheel, target)
    return target
