"""What every image promises. Runs inside the image, in its Dockerfile's test stage."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import components


def test_a_user_of_no_name_and_no_rights_will_do() -> None:
    assert os.getuid() == os.getgid() == 10001


def test_the_code_and_the_libraries_cannot_be_changed() -> None:
    for place in (Path(components.__file__), Path(sys.prefix) / "bin", Path("/")):
        assert not os.access(place, os.W_OK), place


def test_bytecode_is_there() -> None:
    for package in ("components", "msgspec"):
        spec = find_spec(package)
        assert spec and spec.cached and Path(spec.cached).is_file()


def test_nothing_installs_or_compiles_pipelines_here() -> None:
    assert [name for name in ("pip", "kfp", "uv") if find_spec(name)] == []


def test_every_package_is_there_in_a_version_that_fits() -> None:
    """`pip check`, without pip: imports that a wrong lock would break."""
    subprocess.run([sys.executable, "-c", "import components.__main__"], check=True)
