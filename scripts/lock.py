"""Write requirements/*.lock, with hashes, from pyproject.toml: `make lock`.

Each lock names the digest of the sections of pyproject.toml that it was made from, so that a test
tells, without a network, that the two still agree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
# What a machine's kind of torch decides. A development machine installs torch first, and the CUDA
# libraries if its build of torch asks for them; an image has both in a layer of their own.
TORCH = r"torch=="
CUDA = r"(triton|cuda-\w+|cupy-\w+|nvidia-[\w-]+)=="
GPU = f"{TORCH}|{CUDA}"
IMAGE = ("--python-version=3.11", "--python-platform=x86_64-manylinux_2_28", "--only-binary=:all:")


@dataclass(frozen=True)
class Lock:
    """One requirements file.

    Attributes:
        name: of the file in requirements/.
        group: the group of [dependency-groups] in pyproject.toml that it installs.
        options: further arguments of `uv pip compile`.
        with_project: also what the project itself depends on.
        only: a pattern of the pins that it holds; '' for those that fit no pattern above.
    """

    name: str
    group: str
    options: tuple[str, ...]
    with_project: bool = False
    only: str = ""

    def holds(self, pin: str) -> bool:
        """Whether a pin belongs into this file."""
        return bool(re.match(self.only or GPU, pin)) == bool(self.only)

    @property
    def path(self) -> Path:
        return ROOT / "requirements" / f"{self.name}.lock"


DEVELOPMENT = Lock("dev", "dev", ("--universal", "--python-version=3.11"), with_project=True)
# The first one constrains the others: an image runs the versions that the tests ran.
LOCKS = (
    DEVELOPMENT,
    replace(DEVELOPMENT, name="torch", only=TORCH),
    replace(DEVELOPMENT, name="cuda", only=CUDA),
    Lock("cpu", "cpu", IMAGE),
    Lock("gpu", "gpu", IMAGE),
    Lock("gpu-cuda", "gpu", IMAGE, only=GPU),
    Lock("serve", "serve", IMAGE),
    Lock("test", "test", IMAGE),
    Lock("bench", "bench", ("--universal", "--python-version=3.11")),
    Lock("docs", "docs", ("--universal", "--python-version=3.11")),
    Lock("audit", "audit", IMAGE),
)


def main() -> int:
    """Renew every lock; keep the versions that still fit unless --upgrade is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    arguments = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for lock in LOCKS:
        text = resolve(lock, upgrade=arguments.upgrade)
        lock.path.write_text(header(lock, project) + text, encoding="utf-8")
        print(f"{lock.path.relative_to(ROOT)}: {len(pins(text))} packages")
    return 0


def resolve(lock: Lock, *, upgrade: bool) -> str:
    """Return the pins of a lock: a `name==version` each, with the hashes of its files."""
    with TemporaryDirectory() as folder:
        output = Path(folder) / lock.path.name
        if lock.path.exists() and not upgrade:
            shutil.copy(lock.path, output)
        command = [
            *("uv", "pip", "compile", "--quiet", "--generate-hashes"),
            *("--no-header", "--no-annotate", "--output-file", str(output)),
            *("--group", lock.group, *lock.options),
            *(["pyproject.toml"] if lock.with_project else ["--constraint", str(DEVELOPMENT.path)]),
        ]
        subprocess.run(command, cwd=ROOT, check=True)
        text = output.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    return "".join(block for block in blocks if lock.holds(block))


def pins(text: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock (several where markers part them)."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ \\;]+)", text, flags=re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


def header(lock: Lock, project: dict[str, Any]) -> str:
    """Return the first lines of a lock: how to renew it, and what it was made from."""
    return f"# Made by `make lock`. Do not edit.\n# pyproject: {digest(lock, project)}\n"


def digest(lock: Lock, project: dict[str, Any]) -> str:
    """Return the SHA-256 of everything in pyproject.toml that decides what a lock holds."""
    sections = {
        "python": project["project"]["requires-python"],
        "project": project["project"]["dependencies"] if lock.with_project else [],
        "group": requirements(project["dependency-groups"], lock.group),
        "uv": project["tool"]["uv"],
    }
    return hashlib.sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest()


def requirements(groups: dict[str, list[str | dict[str, str]]], name: str) -> list[str]:
    """Return the requirements of a dependency group and of the groups that it includes."""
    listed: list[str] = []
    for entry in groups[name]:
        if isinstance(entry, str):
            listed.append(entry)
        else:
            listed += requirements(groups, entry["include-group"])
    return listed


if __name__ == "__main__":
    sys.exit(main())
