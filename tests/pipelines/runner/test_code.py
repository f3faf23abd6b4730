"""Which code belongs to a stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.files import writing
from pipelines.runner import code


def test_a_stage_is_its_folder_and_what_all_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "components"
    files = ("files.py", "templates/page.css", "split/a.py", "report/p.html", "upload/champion.py")
    for file in files:
        with writing(package / file) as path:
            path.write_text("1", encoding="utf-8")
    monkeypatch.setattr(code.components, "__file__", str(package / "__init__.py"))

    def digests() -> list[str]:
        stages = ("split", "report", "champion", "upload")
        return [code.code_digest(["python", "-m", "components", stage]) for stage in stages]

    def changed(file: str) -> list[bool]:
        before = digests()
        (package / file).write_text("2", encoding="utf-8")
        return [one != other for one, other in zip(before, digests(), strict=True)]

    assert changed("split/a.py") == [True, False, False, False]
    assert changed("report/p.html") == [False, True, False, False]
    assert changed("upload/champion.py") == [False, False, True, True]
    assert changed("files.py") == changed("templates/page.css") == [True, True, True, True]


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
