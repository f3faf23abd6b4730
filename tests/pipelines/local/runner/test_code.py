"""Which code belongs to a stage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.own_code import ROOT
from pipelines.local.runner import code


def digests(*stages: str, root: Path = ROOT) -> list[str]:
    return [code.code_digest(["python", "-m", "components", stage], root=root) for stage in stages]


def test_an_edit_of_the_registry_leaves_training_alone(tmp_path: Path) -> None:
    package = tmp_path / "components"
    shutil.copytree(ROOT / "components", package)
    before = digests("train", "upload", root=tmp_path)
    assert before == digests("train", "upload")
    with (package / "registry" / "base.py").open("a", encoding="utf-8") as file:
        file.write("# changed")
    train, upload = digests("train", "upload", root=tmp_path)
    assert train == before[0]
    assert upload != before[1]


@pytest.mark.parametrize(("stage", "counts"), [("train", True), ("ingest", True), ("split", False)])
def test_an_edit_of_a_kind_counts_for_stages_that_are_given_it(
    tmp_path: Path, stage: str, counts: bool
) -> None:
    """A checkpoint's identity is made of the same digest: `components.train.inputs.code_digest`."""
    shutil.copytree(ROOT / "components", tmp_path / "components")
    command = ["python", "-m", "components", stage]

    def digest(kinds: list[str]) -> str:
        return code.code_digest(command, kinds, root=tmp_path)

    kinds = ["ner"] if counts else []
    before, other = digest(kinds), digest(["tests.support.topics"])
    with (tmp_path / "components/tasks/ner/training.py").open("a", encoding="utf-8") as file:
        file.write("# changed")
    assert (digest(kinds) != before) == counts
    assert digest(["tests.support.topics"]) == other
    assert other != digest([])


def test_other_commands_have_no_code_of_ours() -> None:
    assert code.code_digest(["python", "-c", "pass"]) == ""
    assert code.code_digest(["python", "-m", "components"]) == ""


def test_versions_name_packages_of_pipelines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "en_vectors-1.2.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: en-vectors\nVersion: 1.2\n", encoding="utf-8")
    (package / "entry_points.txt").write_text(
        "[spacy_models]\nen_vectors = en_vectors\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert code.versions()["en-vectors"] == "1.2"


def test_versions_name_what_decides_a_result() -> None:
    assert code.versions()["torch"]
    assert code.versions()["python"]
