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
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
# torch's wheel asks for these where it needs them, in the versions that fit it; a development
# machine may have a build of torch for the CPU, which needs none.
COME_WITH_TORCH = re.compile(r"(torch|triton|cuda-\w+|nvidia-[\w-]+)==")


@dataclass(frozen=True)
class Lock:
    """One requirements file: a dependency group and where it is to be installed.

    Attributes:
        group: the group of [dependency-groups] in pyproject.toml, and the name of the file.
        with_project: also what the project itself depends on.
        with_torch: name torch and its CUDA libraries, with hashes.
        platform: further arguments of `uv pip compile`.
    """

    group: str
    with_project: bool
    with_torch: bool
    platform: tuple[str, ...]

    @property
    def path(self) -> Path:
        return ROOT / "requirements" / f"{self.group}.lock"


DEVELOPMENT = Lock("dev", True, False, ("--universal", "--python-version=3.11"))
LOCKS = (DEVELOPMENT,)


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
    """Return the pins of a lock, one `name==version` each with the hashes of its files."""
    with TemporaryDirectory() as folder:
        output = Path(folder) / lock.path.name
        if lock.path.exists() and not upgrade:
            shutil.copy(lock.path, output)
        command = [
            *("uv", "pip", "compile", "--quiet", "--generate-hashes"),
            *("--no-header", "--no-annotate", "--output-file", str(output)),
            *("--group", lock.group, *lock.platform),
            *(["pyproject.toml"] if lock.with_project else []),
        ]
        subprocess.run(command, cwd=ROOT, check=True)
        text = output.read_text(encoding="utf-8")
    return text if lock.with_torch else without_torch(text)


def without_torch(text: str) -> str:
    """Leave out torch and the libraries that its own wheel asks for."""
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    return "".join(block for block in blocks if not COME_WITH_TORCH.match(block))


def pins(text: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock (several where markers part them)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ \\;]+)", text, flags=re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


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
