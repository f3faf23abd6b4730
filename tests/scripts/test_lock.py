"""requirements/*.lock and pyproject.toml say the same; no network is needed to know."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import lock

ROOT = lock.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
every_lock = pytest.mark.parametrize("one", lock.LOCKS, ids=lambda one: one.name)


@every_lock
def test_the_lock_was_made_from_this_pyproject(one):
    text = one.path.read_text(encoding="utf-8")
    assert lock.digest(one, PROJECT) in text, "run `make lock` and commit requirements/"


def test_a_changed_requirement_changes_the_digest_of_its_locks_alone():
    changed = {**PROJECT, "dependency-groups": {**PROJECT["dependency-groups"], "cpu": ["spacy"]}}
    differing = [
        one.name for one in lock.LOCKS if lock.digest(one, changed) != lock.digest(one, PROJECT)
    ]
    assert differing == ["cpu"]


@every_lock
def test_every_pin_has_a_hash_and_no_address(one):
    text = one.path.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[\w-]+==)", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text


@every_lock
def test_the_pins_meet_the_requirements(one):
    """Catches a lock that was edited by hand or merged wrongly under an unchanged digest."""
    pinned = lock.pins(one.path.read_text(encoding="utf-8"))
    listed = lock.requirements(PROJECT["dependency-groups"], one.group)
    for text in listed + (PROJECT["project"]["dependencies"] if one.with_project else []):
        requirement = Requirement(text)
        if not one.holds(f"{requirement.name}=="):
            continue
        versions = pinned[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), text


@pytest.mark.parametrize("image", [one for one in lock.LOCKS if one is not lock.DEVELOPMENT])
def test_an_image_runs_the_versions_that_the_tests_ran(image):
    tested = lock.pins(lock.DEVELOPMENT.path.read_text(encoding="utf-8"))
    pinned = lock.pins(image.path.read_text(encoding="utf-8"))
    assert {
        name for name in pinned.keys() & tested.keys() if not pinned[name] <= tested[name]
    } == set()


def test_torch_without_cuda_is_the_version_of_development():
    [version] = lock.pins((ROOT / "requirements/torch-cpu.lock").read_text(encoding="utf-8"))[
        "torch"
    ]
    [required] = [r for r in PROJECT["project"]["dependencies"] if r.startswith("torch==")]
    assert version == required.removeprefix("torch==") + "+cpu"
