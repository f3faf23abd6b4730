"""The teacher of a phase and its texts, as `ingest` looks them up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from components.digests import content_digest
from components.errors import ConfigError
from components.ingest.store import Store
from components.ingest.teaching import teaching
from components.registry.base import Artefact
from components.registry.local import LocalRegistry
from components.registry.promotion import add_and_promote
from tests.components.upload.conftest import artefact, model, outputs  # noqa: F401


def look_up(folder: Path, named: str) -> dict[str, str]:
    (folder / "pool").mkdir(exist_ok=True)
    for name in ("b.txt", "a.txt"):
        (folder / "pool" / name).write_text("a text\n", encoding="utf-8")
    patterns = [f"{folder}/pool/*.txt", f"{folder}/pool/a.txt"]
    return teaching(named, patterns, str(folder / "models"), Store(str(folder / "store")))


def test_a_version_of_the_registry_is_found_by_its_alias(
    tmp_path: Path,
    artefact: Callable[..., Artefact],  # noqa: F811
) -> None:
    registry = LocalRegistry(tmp_path / "models")
    version, _ = add_and_promote(registry, "big", "champion", artefact("pound"))
    for named in ("big", "big@champion", "big@1"):
        found = look_up(tmp_path, named)
        assert found["teacher_version"] == "big 1"
        assert found["teacher_uri"] == version.uri
        assert found["teacher_digest"] == content_digest(Path(version.uri))
        assert Path(found["teacher_assignment_uri"]).is_file()
    assert json.loads(found["text_files"]) == [f"{tmp_path}/pool/a.txt", f"{tmp_path}/pool/b.txt"]


def test_other_texts_have_another_digest(
    tmp_path: Path,
    model: Callable[[str], Path],  # noqa: F811
) -> None:
    folder = model("euro")
    before = look_up(tmp_path, str(folder))
    assert before["teacher_uri"] == str(folder)
    assert before["teacher_version"].startswith("model-euro ")
    (tmp_path / "pool/c.txt").write_text("another\n", encoding="utf-8")
    after = look_up(tmp_path, str(folder))
    assert after["texts_digest"] != before["texts_digest"]
    assert after["teacher_digest"] == before["teacher_digest"]


def test_a_teacher_that_is_not_there_is_said(
    tmp_path: Path,
    artefact: Callable[..., Artefact],  # noqa: F811
) -> None:
    with pytest.raises(ConfigError, match=r"there is no model 'big'.*train it first"):
        look_up(tmp_path, "big")
    registry = LocalRegistry(tmp_path / "models")
    add_and_promote(registry, "big", "champion", artefact("pound", decision="hold"))
    with pytest.raises(ConfigError, match="where its gate holds it back"):
        look_up(tmp_path, "big@champion")
    with pytest.raises(ConfigError, match="no spaCy pipeline here"):
        look_up(tmp_path, f"{tmp_path}/models")
