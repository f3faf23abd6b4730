"""Which files of ours a stage runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.own_code import own_digest, own_files

FILES = {
    "components/__init__.py": "",
    "components/files.py": "",
    "components/html/__init__.py": "",
    "components/html/page.py": "from components.files import x",
    "components/html/templates/page.css": "",
    "components/report/__init__.py": "",
    "components/report/command.py": "def f():\n    from components.html import page",
    "components/report/report.html": "",
    "components/evaluate/__init__.py": "",
    "components/evaluate/command.py": 'TASKS = {"ner": "components.tasks.ner"}',
    "components/evaluate/component.py": "import kfp",
    "components/tasks/__init__.py": "",
    "components/tasks/ner.py": "import components.files",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_imports_are_followed_late_ones_too_with_what_lies_beside(root: Path) -> None:
    files = own_files(["components.report.command"], root)
    assert [path.relative_to(root).as_posix() for path in files] == [
        "components/__init__.py",
        "components/files.py",
        "components/html/__init__.py",
        "components/html/page.py",
        "components/html/templates/page.css",
        "components/report/__init__.py",
        "components/report/command.py",
        "components/report/report.html",
    ]


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("components/files.py", [True, True]),
        ("components/tasks/ner.py", [False, True]),
        ("components/html/templates/page.css", [True, False]),
        ("components/evaluate/component.py", [False, False]),
    ],
)
def test_an_edit_counts_for_what_runs_it(root: Path, file: str, changes: list[bool]) -> None:
    def digests() -> list[str]:
        stages = ("report", "evaluate")
        return [own_digest([f"components.{stage}.command"], root) for stage in stages]

    before = digests()
    (root / file).write_text("# changed", encoding="utf-8")
    assert [one != other for one, other in zip(before, digests(), strict=True)] == changes


def test_a_module_that_is_not_there_is_no_empty_digest(root: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"components\.report\.gone"):
        own_digest(["components.report.gone"], root)
