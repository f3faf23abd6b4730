"""Running the convert stage on records that a test makes, and reading back what it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from components.__main__ import main
from components.records.record import Record, write_records
from tests.support.records import ner_tasks

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Corpora:
    """What a run of the stage left behind."""

    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text("utf-8"))
        return report

    def manifest(self, split: str = "train") -> dict[str, Any]:
        path = self.folder / split / "manifest.json"
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return manifest

    def docs(self, split: str = "train") -> list[Doc]:
        return [
            doc
            for path in sorted((self.folder / split).glob("*.spacy"))
            for doc in DocBin().from_disk(path).get_docs(Vocab())
        ]

    @property
    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., Corpora]:
    """Run the stage as a pipeline does, to an exit code; return what it wrote."""
    runs = 0

    def run(
        train: Iterable[Record],
        dev: Iterable[Record] = (),
        test: Iterable[Record] = (),
        code: int = 0,
        **settings: Any,
    ) -> Corpora:
        nonlocal runs
        runs += 1
        folder = tmp_path / f"corpora-{runs}"
        arguments = ["--settings", json.dumps(settings)]
        for split, records in zip(SPLITS, (train, dev, test), strict=True):
            source = tmp_path / f"{runs}-{split}.jsonl"
            write_records(source, records)
            arguments += [f"--{split}-set={source}", f"--{split}-corpus={folder / split}"]
        arguments += [f"--convert-report={folder}/report.json"]
        assert main(["convert", "--tasks", ner_tasks(["A"]), *arguments]) == code
        return Corpora(folder)

    return run
