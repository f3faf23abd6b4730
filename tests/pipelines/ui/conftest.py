"""A project that the app shows, read-only and not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.site import Ui, add_version, write_run

RUN = "20260102-000000-small"
OLD = "20260101-000000-small"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, and a model of two versions of which the second is in production."""
    folder = tmp_path_factory.mktemp("project")
    for word, f in (("London", 0.8), ("Leeds", 0.9)):
        add_version(folder, "ner-phase-1", word, f)
    write_run(folder / "runs", OLD, right=6)
    write_run(folder / "runs", RUN, right=8, version="2")
    return folder


@pytest.fixture(scope="module")
def ui(project: Path) -> Iterator[Ui]:
    """Read-only."""
    with Ui(project) as started:
        yield started


@pytest.fixture
def writable(tmp_path: Path, project: Path) -> Iterator[Ui]:
    """With --write, on a copy."""
    shutil.copytree(project, tmp_path / "project")
    with Ui(tmp_path / "project", "--write") as started:
        yield started
