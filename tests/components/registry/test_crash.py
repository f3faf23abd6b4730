"""A process that dies before any of its writes leaves order, and the same command ends well."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.registry.base import Artefact, find
from components.registry.lineage import Lineage
from components.registry.local import LocalRegistry
from components.registry.promotion import add_and_promote, promote, rollback
from pipelines.cli.models import app

CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "shutil.rmtree",
}  # fmt: skip
# What differs between two runs that end alike.
PASSING = ("time", "id", "created", "renewed", "promoted", "by")


def artefact(folder: Path, word: str, digest: str = "", decision: str = "promote") -> Artefact:
    """A model of two files, which is all that a registry sees in one."""
    model = folder / f"model-{word}"
    (model / "ner").mkdir(parents=True, exist_ok=True)
    (model / "meta.json").write_text("{}", encoding="utf-8")
    (model / "ner" / "model").write_text(word, encoding="utf-8")
    report = folder / "report.html"
    report.write_text("<!doctype html>", encoding="utf-8")
    lineage = Lineage(
        digest=digest or f"data-{word}",
        run=f"run-{word}",
        created="2026-01-01T00:00:00+00:00",
        decision=decision,
        scores={"overall": {"f": 0.8}, "labels": {}},
    )
    return Artefact(model, {"report.html": report}, lineage)


class Said(io.StringIO):
    """What a command prints; each line counts as a change of the disk."""

    def __init__(self, count: Callable[[], None]) -> None:
        super().__init__()
        self._count = count

    def write(self, text: str) -> int:
        self._count()
        return super().write(text)


def dies(work: Callable[[], object], at: int) -> bool:
    """Do the work in a child that is killed before its n-th change of the disk; whether it was."""
    child = os.fork()
    if child == 0:
        left = at

        def count() -> None:
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if writes or event in CHANGES:
                count()

        sys.addaudithook(hook)
        sys.stdout = Said(count)
        try:
            work()
        except BaseException as error:
            sys.stderr.write(repr(error))
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def state(folder: Path) -> dict[str, Any]:
    """Every file of the registry, without what no two runs share."""

    def content(path: Path) -> Any:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return text
        return {key: value for key, value in json.loads(text).items() if key not in PASSING}

    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): content(path) for path in files}


OPERATIONS: dict[str, Callable[[LocalRegistry, Path], object]] = {
    "add the first": lambda registry, folder: add_and_promote(
        registry, "new", "champion", artefact(folder, "a"), ""
    ),
    "add and promote": lambda registry, folder: add_and_promote(
        registry, "ner", "champion", artefact(folder, "d"), "3"
    ),
    "renew and promote": lambda registry, folder: add_and_promote(
        registry, "ner", "champion", artefact(folder, "held", digest="other"), "3"
    ),
    "promote": lambda registry, _: promote(registry, "ner", "1", "champion"),
    "rollback": lambda registry, _: rollback(registry, "ner", "champion"),
    "rollback again": lambda registry, _: rollback(registry, "ner", "champion"),
    "retrain models promote": lambda registry, _: retrain(registry, "promote", "ner", "1"),
    "retrain models rollback": lambda registry, _: retrain(registry, "rollback", "ner"),
}


def retrain(registry: LocalRegistry, *words: str) -> None:
    """A command line, as it is typed."""
    app([*words, "--registry", str(registry.folder)], standalone_mode=False)


def prepared(folder: Path, operation: str) -> LocalRegistry:
    """Three versions that were in production one after the other, and one that was held back."""
    registry = LocalRegistry(folder / "models")
    for word in ("a", "b", "c"):
        add_and_promote(registry, "ner", "champion", artefact(folder, word))
    add_and_promote(registry, "ner", "champion", artefact(folder, "held", decision="hold"))
    if operation == "rollback again":
        rollback(registry, "ner", "champion")
    return registry


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_killed_before_any_write_is_completed_by_the_same_command(
    tmp_path: Path, operation: str
) -> None:
    work = OPERATIONS[operation]
    prior = prepared(tmp_path / "before", operation)
    before = prior.folder
    expected: dict[str, Any] = {}
    at = 0
    while True:
        registry = LocalRegistry(shutil.copytree(before, tmp_path / str(at)))
        if not expected:
            work(registry, tmp_path)
            expected = state(registry.folder)
            assert expected != state(before)
            # Before it, or after it; at no moment another, or none.
            production = [find(each, "ner", "champion").number for each in (prior, registry)]
        elif not dies(lambda registry=registry: work(registry, tmp_path), at):  # type: ignore[misc]
            break
        else:
            for name in registry.names():
                for version in registry.versions(name):
                    registry.verify(version)
            assert find(registry, "ner", "champion").number in production
            work(registry, tmp_path)
        assert state(registry.folder) == expected, f"killed before write {at}"
        at += 1
    assert state(registry.folder) == expected
    assert at > 5
